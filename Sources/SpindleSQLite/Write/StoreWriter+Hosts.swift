internal import SpindleCore

extension StoreWriter {
    func openHost(
        _ host: HostID,
        leaseUntil: Timestamp,
        types: [String],
        at: Timestamp
    ) throws(SQLiteFailure) -> StoreOutcome {
        try prepare(.bumpEpoch).run()
        let number = try prepare(.readEpoch)
        _ = try number.step()
        let lease = HostLease(host: host, epoch: number.int(0))
        number.end()
        try prepare(.deleteHosts).run()
        let row = try prepare(.insertHost)
        row.add(lease.epoch)
        row.add(host.uuid)
        row.add(lease.epoch)
        row.add(leaseUntil)
        row.add(types.joined(separator: "\n"))
        row.add(at)
        try row.run()
        setLease(lease)
        return .opened(lease, recovered: try recover(at: at))
    }

    /// Takes everything back that dead hosts held: ``StoreRules/afterLoss(isCancelRequested:onInterrupted:losses:isSuspect:)`` in SQL.
    private func recover(at: Timestamp) throws(SQLiteFailure) -> Int {
        try execute("DELETE FROM temp.recovery")
        let sort = try prepare(.sortLost)
        sort.add(StoreRules.lossesOfSuspect)
        try sort.run()
        for (fate, note) in [
            (Fate.requeued, StoreRules.hostLost), (.cancelled, StoreRules.hostLost),
            (.outcomeUnknown, StoreRules.outcomeUnknown), (.lostTooOften, StoreRules.lostTooOften),
        ] {
            try interrupt(fate, note, isLoss: true, at: at)
        }
        _ = try finishRecovery(at: at)
        let queued = try prepare(.countRequeued)
        defer { queued.end() }
        return try queued.step() ? Int(queued.int(0)) : 0
    }

    func renewHost(_ lease: HostLease, leaseUntil: Timestamp) throws(SQLiteFailure) -> StoreOutcome {
        guard try self.lease() == lease else { return .stale }
        let renew = try prepare(.renewHost)
        renew.add(leaseUntil)
        renew.add(lease.epoch)
        try renew.run()
        let row = try prepare(.findCancelRequested)
        row.add(lease.epoch)
        var cancelled: [ExecutionID] = []
        while try row.step() { cancelled.append(row.execution(0)) }
        return .renewed(cancelRequested: cancelled.sorted())
    }

    func releaseUnheld(
        _ lease: HostLease,
        holding: Set<ExecutionID>,
        at: Timestamp
    ) throws(SQLiteFailure) -> StoreOutcome {
        guard try self.lease() == lease else { return .stale }
        let release = try giveBack(except: holding, at: at)
        return .promoted(
            readyTypes: release.readyTypes.sorted(),
            expired: [],
            skipped: release.skipped.sorted(),
            nextDue: nil,
            more: false
        )
    }

    func closeHost(_ lease: HostLease, at: Timestamp) throws(SQLiteFailure) -> StoreOutcome {
        guard try self.lease() == lease else { return .stale }
        _ = try giveBack(except: [], at: at)
        try prepare(.deleteHosts).run()
        setLease(nil)
        return .applied
    }

    /// Takes claims back that are not counted as losses.
    private func giveBack(except holding: Set<ExecutionID>, at: Timestamp) throws(SQLiteFailure) -> Release {
        try execute("DELETE FROM temp.recovery")
        try prepare(.sortGivenBack).run()
        for id in holding {
            let row = try prepare(.keepHeld)
            row.add(id)
            try row.run()
        }
        try interrupt(.requeued, StoreRules.givenBack, isLoss: false, at: at)
        try interrupt(.cancelled, StoreRules.givenBack, isLoss: false, at: at)
        return try finishRecovery(at: at)
    }

    // MARK: - Statements over all of them

    /// What becomes of a row in `temp.recovery`.
    private enum Fate: Int64 {
        case requeued = 0
        case cancelled = 1
        case outcomeUnknown = 2
        case lostTooOften = 3

        var state: ExecutionState {
            switch self {
            case .requeued: .queued
            case .cancelled: .cancelled
            case .outcomeUnknown, .lostTooOften: .failed
            }
        }
    }

    private func interrupt(_ fate: Fate, _ note: StoreRules.Note, isLoss: Bool, at: Timestamp) throws(SQLiteFailure) {
        let attempts = try prepare(.insertInterrupted)
        attempts.add(at)
        attempts.add(note.code)
        attempts.add(note.message)
        attempts.add(fate.rawValue)
        try attempts.run()
        let rows = try prepare(.interrupt)
        rows.add(Int64(fate.state.rawValue))
        rows.add(fate.state.isFinal ? at : nil)
        rows.add(isLoss ? Int64(1) : 0)
        rows.add(StoreRules.lossesOfSuspect)
        rows.add(note.code)
        rows.add(note.message)
        rows.add(fate.rawValue)
        try rows.run()
    }

    /// Counts what was interrupted, and tells the dependants of those that ended.
    private func finishRecovery(at: Timestamp) throws(SQLiteFailure) -> Release {
        var release = Release()
        let counts = try prepare(.countRecovered)
        while try counts.step() {
            let state = counts.state(0)
            let type = counts.text(1) ?? ""
            count(.running, state, type: type, at: at, by: counts.int(2))
            if state == .queued { release.readyTypes.insert(type) }
        }
        var parents: [(ExecutionID, ExecutionState)] = []
        let ended = try prepare(.findEndedParents)
        while try ended.step() { parents.append((ended.execution(0), ended.state(1))) }
        for (id, state) in parents { try releaseChildren(of: id, state: state, at: at, &release) }
        return release
    }
}
