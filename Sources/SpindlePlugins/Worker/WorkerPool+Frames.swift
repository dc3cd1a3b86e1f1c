import SpindleCore
import SpindleWire

// What workers say; on the loop's thread.
extension WorkerPool {
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
            machine.emit(.progress(key, fraction: message.fraction, note: message.note.text))
        case .checkpoint:
            guard let message = reader.decode(frame, spw_blob()) else { return false }
            machine.heard(token, by: id, now: loop.now)
            guard let key = machine.key(of: token, by: id) else { break }
            machine.emit(.checkpoint(key, message.bytes.array))
        case .artefact:
            guard let message = reader.decode(frame, spw_artefact()) else { return false }
            used(id, artefact: size)
            guard let key = machine.key(of: token, by: id) else { break }
            let last = message.flags & 1 != 0
            machine.emit(
                .artefact(key, name: message.name.text, chunk: message.bytes.array, isLast: last)
            )
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
            pids[id] = Int32(truncatingIfNeeded: message.pid)
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
        default: return false
        }
        return true
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
