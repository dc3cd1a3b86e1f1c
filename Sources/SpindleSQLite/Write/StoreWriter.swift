internal import GRDBSQLite
internal import SpindleCore

/// Carries out commands on the one connection that writes. Used only on the commit thread.
final class StoreWriter {
    let connection: OpaquePointer
    private let owner: RawConnection
    private var statements: [RawStatement?]
    var definitions = DefinitionCache()
    var counters = CounterChanges()
    var claims = RecentClaims()
    /// The lease of the host that has the store open; the outer nil is "not read yet".
    private var knownLease: HostLease??

    init(_ owner: RawConnection) {
        self.owner = owner
        connection = owner.handle
        statements = Array(repeating: nil, count: Statement.allCases.count)
    }

    /// The cached statement of that name, ready for its values.
    func prepare(_ name: Statement) throws(SQLiteFailure) -> RawStatement {
        if let statement = statements[name.rawValue] { return statement.begin() }
        let statement = try RawStatement(connection, name.sql)
        statements[name.rawValue] = statement
        return statement
    }

    func execute(_ sql: String) throws(SQLiteFailure) {
        guard sqlite3_exec(connection, sql, nil, nil, nil) == SQLITE_OK else {
            throw SQLiteFailure(connection, attempted: sql)
        }
    }

    // MARK: - Transactions

    /// Applies batches in one transaction.
    func transaction(_ batches: [[StoreCommand]]) throws -> [[StoreOutcome]] {
        try inTransaction {
            var results: [[StoreOutcome]] = []
            results.reserveCapacity(batches.count)
            for batch in batches { results.append(try apply(batch)) }
            return results
        }
    }

    /// Applies batches in one transaction, each so that its failure leaves the others alone.
    func isolatedTransaction(_ batches: [[StoreCommand]]) throws -> [Result<[StoreOutcome], any Error>] {
        try inTransaction {
            var results: [Result<[StoreOutcome], any Error>] = []
            for batch in batches {
                try execute("SAVEPOINT batch")
                let before = counters
                do {
                    results.append(.success(try apply(batch)))
                } catch {
                    if let failure = error as? SQLiteFailure, !failure.isOfOneCommand { throw failure }
                    try execute("ROLLBACK TO batch")
                    forget()
                    counters = before
                    results.append(.failure(error))
                }
                try execute("RELEASE batch")
            }
            return results
        }
    }

    private func inTransaction<Value>(_ body: () throws -> Value) throws -> Value {
        try execute("BEGIN IMMEDIATE")
        do {
            let value = try body()
            try writeCounters()
            try prepare(.commit).run()
            return value
        } catch {
            forget()
            // A full disk or a failed write has ended the transaction already.
            if sqlite3_get_autocommit(connection) == 0 { try execute("ROLLBACK") }
            throw error
        }
    }

    /// Drops what was remembered of rows that may not have been written, and ends statements that a failure left half way.
    private func forget() {
        for statement in statements { statement?.end() }
        claims = RecentClaims()
        definitions = DefinitionCache()
        counters = CounterChanges()
        knownLease = nil
    }

    private func apply(_ batch: [StoreCommand]) throws -> [StoreOutcome] {
        var outcomes: [StoreOutcome] = []
        outcomes.reserveCapacity(batch.count)
        for command in batch { outcomes.append(try apply(command)) }
        return outcomes
    }

    private func apply(_ command: StoreCommand) throws -> StoreOutcome {
        switch command {
        case .submit(let execution): try submit(execution)
        case .claim(let type, let limit, let host, let at): try claim(type, limit: limit, lease: host, at: at)
        case .settle(let settlement): try settle(settlement)
        case .requestCancel(let id, let at): try requestCancel(id, at: at)
        case .retryNow(let id, let extraRetries, let at): try retryNow(id, extraRetries: extraRetries, at: at)
        case .promote(let now, let limit): try promote(now: now, limit: limit)
        case .checkpoint(let key, let epoch, let bytes): try checkpoint(key, epoch: epoch, bytes)
        case .openHost(let host, let leaseUntil, let types, let at):
            try openHost(host, leaseUntil: leaseUntil, types: types, at: at)
        case .renewHost(let lease, let leaseUntil, _): try renewHost(lease, leaseUntil: leaseUntil)
        case .releaseUnheld(let lease, let holding, let at): try releaseUnheld(lease, holding: holding, at: at)
        case .closeHost(let lease, let at): try closeHost(lease, at: at)
        case .upsertJob(let job, let at): try upsertJob(job, at: at)
        case .removeJob(let name): try removeJob(name)
        case .prune(let retention, let now, let limit): try prune(retention, now: now, limit: limit)
        }
    }

    // MARK: - The host that has the store open

    func lease() throws(SQLiteFailure) -> HostLease? {
        if let knownLease { return knownLease }
        let row = try prepare(.readLease)
        let lease = try row.step() ? HostLease(host: HostID(row.uuid(0)), epoch: row.int(1)) : nil
        row.end()
        knownLease = .some(lease)
        return lease
    }

    func setLease(_ lease: HostLease?) { knownLease = .some(lease) }

    // MARK: - Counters

    /// Counts a step of an execution, and makes sure that it is legal.
    func count(_ old: ExecutionState?, _ new: ExecutionState?, type: String, at: Timestamp, by amount: Int64 = 1) {
        if let old, let new {
            precondition(CounterChanges.isLegal(from: old, to: new), "illegal step from \(old) to \(new)")
        }
        counters.add(old, new, type: type, minute: at.minute, by: amount)
    }

    private func writeCounters() throws(SQLiteFailure) {
        for entry in counters.take() {
            let statement = try prepare(.addToCounter)
            statement.add(entry.minute)
            statement.add(Int64(entry.state.rawValue))
            statement.add(entry.type)
            statement.add(entry.entered)
            statement.add(entry.left)
            try statement.run()
        }
    }
}

extension Timestamp {
    /// Whole minutes since 1970.
    var minute: Int64 { microseconds / 60_000_000 }
}
