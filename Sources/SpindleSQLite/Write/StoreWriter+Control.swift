internal import GRDBSQLite
internal import SpindleCore

extension StoreWriter {
    /// How many rows the last statement changed.
    var changes: Int32 { sqlite3_changes(connection) }

    private struct Row {
        let state: ExecutionState
        let type: String
        let priority: Int32
        let flags: RowFlags
        let uniqueHash: [UInt8]?
    }

    private func row(_ id: ExecutionID) throws(SQLiteFailure) -> Row? {
        let row = try prepare(.readRow)
        row.add(id)
        guard try row.step() else { return nil }
        defer { row.end() }
        return Row(
            state: row.state(0),
            type: row.text(1) ?? "",
            priority: row.int32(2),
            flags: RowFlags(rawValue: row.int(3)),
            uniqueHash: row.bytes(4)
        )
    }

    func requestCancel(_ id: ExecutionID, at: Timestamp) throws(SQLiteFailure) -> StoreOutcome {
        guard let row = try row(id) else { return .notFound }
        if row.state.isFinal { return .conflict(row.state) }
        if row.state == .running {
            let mark = try prepare(.markCancel)
            mark.add(at)
            mark.add(id)
            try mark.run()
            return .cancelRequested
        }
        try end(id, as: .cancelled, at: at, cancelledAt: at)
        count(row.state, .cancelled, type: row.type, at: at)
        var release = Release()
        if row.flags.contains(.children) { try releaseChildren(of: id, state: .cancelled, at: at, &release) }
        if release.readyTypes.isEmpty && release.skipped.isEmpty { return .applied }
        return .settled(state: .cancelled, readyTypes: release.readyTypes.sorted(), skipped: release.skipped.sorted())
    }

    func retryNow(_ id: ExecutionID, extraRetries: Int32, at: Timestamp) throws(SQLiteFailure) -> StoreOutcome {
        guard let row = try row(id) else { return .notFound }
        guard row.state == .retrying || (row.state.isFinal && CounterChanges.isLegal(from: row.state, to: .queued)) else {
            return .conflict(row.state)
        }
        if let hash = row.uniqueHash {
            let holder = try prepare(.findUnique)
            holder.add(hash)
            defer { holder.end() }
            if try holder.step(), holder.execution(0) != id { return .conflict(row.state) }
        }
        let retry = try prepare(.retryNow)
        retry.add(NewExecution.rank(readyAt: at, priority: row.priority))
        retry.add(extraRetries)
        retry.add(id)
        try retry.run()
        count(row.state, .queued, type: row.type, at: at)
        return .ready(type: row.type)
    }

    // MARK: - Time

    func promote(now: Timestamp, limit: Int) throws(SQLiteFailure) -> StoreOutcome {
        var release = Release()
        let overdue = try due(.findOverdue, now: now, limit: limit)
        for entry in overdue {
            try end(entry.id, as: .expired, at: now)
            count(entry.state, .expired, type: entry.type, at: now)
        }
        // Only now, so that a child that is overdue itself expires whatever its parents did.
        for entry in overdue where entry.flags.contains(.children) {
            try releaseChildren(of: entry.id, state: .expired, at: now, &release)
        }
        let ripe = try due(.findDue, now: now, limit: limit - overdue.count)
        for entry in ripe {
            let row = try prepare(.promote)
            row.add(entry.id)
            try row.run()
            count(entry.state, .queued, type: entry.type, at: now)
            release.readyTypes.insert(entry.type)
        }
        return .promoted(
            readyTypes: release.readyTypes.sorted(),
            expired: overdue.map(\.id).sorted(),
            skipped: release.skipped.sorted(),
            nextDue: try nextDue(),
            more: overdue.count + ripe.count >= limit
        )
    }

    private struct Due {
        let id: ExecutionID
        let state: ExecutionState
        let type: String
        let flags: RowFlags
    }

    private func due(_ statement: Statement, now: Timestamp, limit: Int) throws(SQLiteFailure) -> [Due] {
        let row = try prepare(statement)
        row.add(now)
        row.add(Int64(limit))
        var found: [Due] = []
        while try row.step() {
            found.append(
                Due(
                    id: row.execution(0),
                    state: row.state(1),
                    type: row.text(2) ?? "",
                    flags: RowFlags(rawValue: row.int(3))
                )
            )
        }
        return found
    }

    private func nextDue() throws(SQLiteFailure) -> Timestamp? {
        let row = try prepare(.nextDue)
        guard try row.step() else { return nil }
        defer { row.end() }
        return row.optionalTimestamp(0)
    }

    // MARK: - Stored definitions

    func upsertJob(_ job: Job, at: Timestamp) throws -> StoreOutcome {
        guard let name = job.name else { return .notFound }
        let row = try prepare(.upsertJob)
        row.add(name)
        row.add(job.id.uuid)
        row.add(try StoredJSON.text(StoredJob(job)))
        row.add(job.payload?.bytes)
        row.add(at)
        try row.run()
        return .applied
    }

    func removeJob(_ name: String) throws(SQLiteFailure) -> StoreOutcome {
        let row = try prepare(.removeJob)
        row.add(name)
        try row.run()
        return changes == 1 ? .applied : .notFound
    }
}
