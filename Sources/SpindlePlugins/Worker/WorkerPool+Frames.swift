import SpindleCore
import SpindleWire

// What workers say; on the loop's thread.
extension WorkerPool {
    /// The largest piece of an artefact, in bytes.
    private static let maxChunk = 256 * 1024

    func received(_ frame: borrowing spw_frame, from id: WorkerID, reader: FrameReader) -> Bool {
        let token = frame.handle
        let size = UInt64(frame.body.len) + UInt64(SPW_HEADER_SIZE)
        switch FrameType(rawValue: frame.type) {
        case .completed:
            guard let message = reader.decode(frame, spw_completed()) else { return false }
            machine.completed(token, by: id, ExecutionResult(message), now: loop.now)
        case .released: machine.released(token, by: id, now: loop.now)
        case .log:
            guard let message = reader.decode(frame, spw_log()) else { return false }
            tell(LogLine(message), of: token, by: id)
            used(id, log: size)
        case .progress:
            guard let message = reader.decode(frame, spw_progress()) else { return false }
            machine.heard(token, by: id, now: loop.now)
            guard let key = machine.key(of: token, by: id) else { break }
            machine.emit(.progress(key, fraction: message.fraction, note: message.note.text.cut(toBytes: Limits.progressNote)))
        case .checkpoint:
            guard let message = reader.decode(frame, spw_blob()), message.bytes.len <= Limits.checkpoint else { return false }
            machine.heard(token, by: id, now: loop.now)
            guard let key = machine.key(of: token, by: id) else { break }
            machine.emit(.checkpoint(key, message.bytes.array))
        case .artefact:
            guard let message = reader.decode(frame, spw_artefact()), message.bytes.len <= Self.maxChunk else { return false }
            guard let connection = connections[id], connection.unwritten <= Self.artefactCredit else { return false }
            connection.unwritten += size
            // What waits for a slow disk waits in the plugin: it gets its credit back when a piece is written.
            let receipt = Receipt { [weak self] in
                guard let self else { return }
                loop.post {
                    self.connections[id]?.unwritten -= size
                    self.used(id, artefact: size)
                }
            }
            guard let key = machine.key(of: token, by: id) else { break }
            let last = message.flags & 1 != 0
            machine.emit(
                .artefact(key, name: message.name.text, chunk: ArtefactChunk(message.bytes.array, receipt: receipt), isLast: last)
            )
        case .submit:
            guard let message = reader.decode(frame, spw_submit()), submit(message, size, of: token, by: id) else { return false }
        default: guard small(frame, from: id, reader: reader) else { return false }
        }
        perform()
        return true
    }

    private func small(_ frame: borrowing spw_frame, from id: WorkerID, reader: FrameReader) -> Bool {
        switch FrameType(rawValue: frame.type) {
        case .heartbeat: machine.heard(frame.handle, by: id, now: loop.now)
        case .ready:
            guard let message = reader.decode(frame, spw_ready()) else { return false }
            // Once: each has the host read a file of the system's.
            guard let connection = connections[id], connection.becomesReady() else { return false }
            // The plugin may say any number; init does not.
            pids[id] = connection.runner ?? Int32(truncatingIfNeeded: message.pid)
            // At once, because the first attempt may crash; once more when its instance is made, which may load more.
            noteModules(of: id)
        case .failed:
            guard let message = reader.decode(frame, spw_failed()) else { return false }
            machine.startFailed(id, "\(message.message.text) (\(message.code.text))", isGone: false, now: loop.now)
        case .created:
            guard let message = reader.decode(frame, spw_answer()) else { return false }
            if message.status >= 0 {
                lookAtModules(of: id)
                machine.workerReady(id, pid: pids[id] ?? 0, now: loop.now)
            } else {
                let pointer = message.fault.pointer.textOrNil.map { " at \($0)" } ?? ""
                let reason = "\(message.fault.message.text)\(pointer) (\(message.fault.code.text))"
                machine.startFailed(id, reason, isGone: false, now: loop.now)
            }
        case .answer:
            guard let message = reader.decode(frame, spw_answer()) else { return false }
            machine.answered(frame.handle, message.status == 1)
        case .checked:
            guard let message = reader.decode(frame, spw_answer()) else { return false }
            let reason = clean("\(message.fault.message.text) (\(message.fault.code.text))")
            machine.checked(id, message.status >= 0 ? .ready : .notReady(reason), now: loop.now)
        case .pong:
            guard let message = reader.decode(frame, spw_pong()) else { return false }
            machine.pong(id, message.nonce)
            counts.pongs += 1
            counts.staleCalls = max(counts.staleCalls, message.stale_calls)
            counts.contractBreaches = max(counts.contractBreaches, message.contract_breaches)
        default: return false
        }
        return true
    }

    /// Of the checkpoints of an attempt only the newest counts: those before it need not be written.
    static func withNewestCheckpoints(_ events: [AttemptEvent]) -> [AttemptEvent] {
        var newest: [AttemptKey: Int] = [:]
        var count = 0
        for case (let index, .checkpoint(let key, _)) in events.enumerated() {
            newest[key] = index
            count += 1
        }
        guard count > newest.count else { return events }
        return events.enumerated().compactMap { index, event in
            if case .checkpoint(let key, _) = event, newest[key] != index { nil } else { event }
        }
    }

    /// - Returns: False if that worker may hand over nothing, or no more.
    private func submit(_ message: borrowing spw_submit, _ size: UInt64, of token: AttemptToken, by id: WorkerID) -> Bool {
        guard let door = plan.door, message.payload.len <= Limits.payload, let connection = connections[id] else { return false }
        // An honest plugin has no more answers under way than submissions.
        guard connection.queue.byteCount <= Self.maxAnswers else { return false }
        // Its attempt is over: nobody there waits for an answer.
        guard machine.isOpen(token, by: id), let key = machine.key(of: token, by: id) else { return true }
        let number = message.number
        let bytes = Int(clamping: size)
        return door.enter(Job(message), SubmissionDoor.Terms(message), bytes: bytes, from: key) { [weak self] answer in
            guard let self else { return }
            loop.post {
                self.tell(answer, number, of: token, to: id)
                door.left(key, bytes: bytes)
            }
        }
    }

    /// Bytes that a worker lets wait unread: a thousand answers with long texts.
    private static let maxAnswers = 4 * 1024 * 1024

    private func tell(_ answer: TriggerAnswer, _ number: UInt64, of token: AttemptToken, to id: WorkerID) {
        guard machine.key(of: token, by: id) != nil, let connection = connections[id] else { return }
        var message = spw_submitted()
        message.number = number
        message.status = answer.status
        message.existed = answer.existed ? 1 : 0
        message.execution_id = writer.bytes(answer.execution?.description)
        message.code = writer.bytes(answer.error?.code.name)
        message.message = writer.bytes(answer.error?.message)
        _ = connection.queue.add(.submitted, token, message)
        writer.reset()
        connection.flushLater()
    }

    private func tell(_ line: LogLine, of token: AttemptToken, by id: WorkerID) {
        if let key = machine.key(of: token, by: id) {
            machine.emit(.log(key, line))
        } else {
            sink.log(line, plugin: plan.plugin, logger: logger, now: loop.now)
        }
    }

    /// Gives credit back once half of it is used.
    private func used(_ id: WorkerID, log: UInt64 = 0, artefact: UInt64 = 0) {
        guard let connection = connections[id] else { return }
        connection.logBytes += log
        connection.artefactBytes += artefact
        guard connection.logBytes > Self.logCredit / 2 || connection.artefactBytes > Self.artefactCredit / 2 else {
            return
        }
        let credit = spw_credit(log_bytes: connection.logBytes, artefact_bytes: connection.artefactBytes)
        connection.logBytes = 0
        connection.artefactBytes = 0
        send(id, .credit, 0, credit)
    }
}
