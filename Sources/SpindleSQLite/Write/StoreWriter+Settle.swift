internal import SpindleCore

extension StoreWriter {
    /// What the end of an execution did to those that waited for it.
    struct Release {
        var readyTypes: Set<String> = []
        var skipped: [ExecutionID] = []
    }

    func settle(_ settlement: Settlement) throws -> StoreOutcome {
        let id = settlement.key.execution
        if let outcome = try settleAsRemembered(settlement) { return outcome }
        guard let held = try held(settlement.key, epoch: settlement.lease.epoch) else { return .stale }
        let next: ExecutionState
        var runAt: Timestamp?
        switch settlement.next {
        case .final(let state):
            guard state.isFinal, CounterChanges.isLegal(from: .running, to: state) else { return .conflict(.running) }
            next = state
        case .retry(let at):
            next = held.isCancelRequested ? .cancelled : .retrying
            runAt = held.isCancelRequested ? nil : at
        case .requeue: next = held.isCancelRequested ? .cancelled : .queued
        }
        var flags = held.flags
        if settlement.isSuspect { flags.insert(.suspect) } else { flags.remove(.suspect) }
        if next == .succeeded, flags.contains(.checkpoint) {
            flags.remove(.checkpoint)
            let row = try prepare(.deleteCheckpoint)
            row.add(id)
            try row.run()
        }
        try write(settlement, next: next, runAt: runAt, held: held, flags: flags)
        try addDetails(settlement)
        count(.running, next, type: held.type, at: settlement.finishedAt)

        var release = Release()
        if next.isFinal, flags.contains(.children) {
            try releaseChildren(of: id, state: next, at: settlement.finishedAt, &release)
        }
        if next == .queued { release.readyTypes.insert(held.type) }
        return .settled(state: next, readyTypes: release.readyTypes.sorted(), skipped: release.skipped.sorted())
    }

    /// The end of most attempts: of a claim that was made lately, with nothing to follow. One statement, which checks what was
    /// remembered; nil if that does not hold, or is not known.
    private func settleAsRemembered(_ settlement: Settlement) throws -> StoreOutcome? {
        let id = settlement.key.execution
        guard let type = claims.take(id), case .final(let next) = settlement.next, !settlement.isSuspect,
            next.isFinal, CounterChanges.isLegal(from: .running, to: next)
        else { return nil }
        let row = try prepare(.settlePlain)
        row.add(Int64(next.rawValue))
        row.add(settlement.startedAt)
        row.add(settlement.finishedAt)
        row.add(settlement.failures)
        row.add(settlement.crashes)
        row.add(settlement.losses)
        row.add(Int64(settlement.outcome.rawValue))
        row.add(settlement.result.errorCode)
        row.add(StoreRules.shortened(settlement.result.errorMessage))
        row.add(settlement.ranOn)
        row.add(id)
        row.add(settlement.key.attempt)
        row.add(settlement.lease.epoch)
        try row.run()
        guard changes == 1 else { return nil }
        try addDetails(settlement)
        count(.running, next, type: type, at: settlement.finishedAt)
        return .settled(state: next, readyTypes: [], skipped: [])
    }

    /// What does not stand in the row of the execution.
    private func addDetails(_ settlement: Settlement) throws {
        if let output = settlement.result.output {
            try putBlob(.output, of: settlement.key.execution, output.bytes, contentType: output.contentType)
        }
        if !StoreRules.isPlainSuccess(settlement) { try addAttempt(settlement) }
    }

    /// A claimed execution, if this claim is the current one.
    private struct Held {
        let type: String
        let priority: Int32
        let rank: Int64
        let flags: RowFlags
        let isCancelRequested: Bool
    }

    private func held(_ key: AttemptKey, epoch: Int64) throws(SQLiteFailure) -> Held? {
        let row = try prepare(.readHeld)
        row.add(key.execution)
        row.add(key.attempt)
        row.add(epoch)
        guard try row.step() else { return nil }
        defer { row.end() }
        return Held(
            type: row.text(0) ?? "",
            priority: row.int32(1),
            rank: row.int(2),
            flags: RowFlags(rawValue: row.int(3)),
            isCancelRequested: !row.isNull(4)
        )
    }

    private func write(
        _ settlement: Settlement,
        next: ExecutionState,
        runAt: Timestamp?,
        held: Held,
        flags: RowFlags
    ) throws(SQLiteFailure) {
        let row = try prepare(.settle)
        row.add(Int64(next.rawValue))
        row.add(runAt)
        row.add(runAt.map { NewExecution.rank(readyAt: $0, priority: held.priority) } ?? held.rank)
        row.add(settlement.startedAt)
        row.add(next.isFinal ? settlement.finishedAt : nil)
        row.add(settlement.failures)
        row.add(settlement.crashes)
        row.add(settlement.losses)
        row.add(flags.rawValue)
        row.add(Int64(settlement.outcome.rawValue))
        row.add(settlement.result.errorCode)
        row.add(StoreRules.shortened(settlement.result.errorMessage))
        row.add(settlement.ranOn)
        row.add(settlement.key.execution)
        try row.run()
    }

    private func addAttempt(_ settlement: Settlement) throws {
        let result = settlement.result
        let metadata = result.keptMetadata.isEmpty ? nil : result.keptMetadata.text
        let row = try prepare(.insertAttempt)
        row.add(settlement.key.execution)
        row.add(settlement.key.attempt)
        row.add(Int64(settlement.outcome.rawValue))
        row.add(settlement.startedAt)
        row.add(settlement.finishedAt)
        row.add(result.errorCode)
        row.add(result.errorMessage)
        row.add(result.stackTrace)
        row.add(result.details)
        row.add(metadata)
        row.add(settlement.ranOn)
        try row.run()
    }

    func checkpoint(_ key: AttemptKey, epoch: Int64, _ bytes: [UInt8]) throws(SQLiteFailure) -> StoreOutcome {
        let mark = try prepare(.markCheckpoint)
        mark.add(key.execution)
        mark.add(key.attempt)
        mark.add(epoch)
        try mark.run()
        guard changes == 1 else { return .stale }
        let row = try prepare(.putCheckpoint)
        row.add(key.execution)
        row.add(bytes)
        try row.run()
        return .applied
    }
}
