internal import SpindleCore

extension StoreWriter {
    /// The most rows that one command removes, so that no commit waits long behind it.
    private static let pruneLimit = 2000
    /// Counters older than this are added up to one row.
    private static let counterMinutes: Int64 = 1440

    func prune(_ retention: Retention, now: Timestamp, limit: Int) throws(SQLiteFailure) -> StoreOutcome {
        let limit = min(limit, Self.pruneLimit)
        var removed: [ExecutionID] = []
        for state in ExecutionState.allCases where state.isFinal && removed.count < limit {
            let age = state == .failed ? retention.failed : retention.finished
            let before = now.advanced(byMicroseconds: -age)
            removed += try remove(state, before: before, limit: limit - removed.count, at: now)
        }
        let excess = try succeededCount() - retention.maxSucceeded
        if excess > 0, removed.count < limit {
            let surplus = Int(min(excess, Int64(limit - removed.count)))
            removed += try remove(.succeeded, before: Timestamp(microseconds: .max), limit: surplus, at: now)
        }
        let idempotency = try prepare(.deleteOldIdempotency)
        idempotency.add(now)
        try idempotency.run()
        try foldCounters(before: now.minute - Self.counterMinutes)
        return .pruned(removed.sorted())
    }

    /// Removes the executions that ended first and that no live execution waits for.
    private func remove(
        _ state: ExecutionState,
        before: Timestamp,
        limit: Int,
        at: Timestamp
    ) throws(SQLiteFailure) -> [ExecutionID] {
        let row = try prepare(.findOld)
        row.add(Int64(state.rawValue))
        row.add(before)
        row.add(Int64(limit))
        var found: [(id: ExecutionID, type: String)] = []
        while try row.step() { found.append((row.execution(0), row.text(1) ?? "")) }
        for (id, type) in found {
            for statement in Statement.removals {
                let row = try prepare(statement)
                row.add(id)
                try row.run()
            }
            count(state, nil, type: type, at: at)
        }
        return found.map(\.id)
    }

    private func succeededCount() throws(SQLiteFailure) -> Int64 {
        let row = try prepare(.countSucceeded)
        defer { row.end() }
        let stored = try row.step() ? row.int(0) : 0
        return stored + counters.balance(.succeeded)
    }

    private func foldCounters(before minute: Int64) throws(SQLiteFailure) {
        let probe = try prepare(.findOldCounter)
        probe.add(minute)
        let isNeeded = try probe.step()
        probe.end()
        guard isNeeded else { return }
        let fold = try prepare(.foldCounters)
        fold.add(minute)
        try fold.run()
        let delete = try prepare(.deleteOldCounters)
        delete.add(minute)
        try delete.run()
    }
}
