public import SpindleCore

extension SQLiteJobStore {
    public func execution(_ id: ExecutionID) async throws -> Execution? {
        try await read { connection in
            let row = try RawStatement(connection, ExecutionRow.select + " WHERE e.id = ?")
            row.add(id)
            guard try row.step() else { return nil }
            return try ExecutionRow.read(row, RawStatement(connection, Statement.readBlob.sql))
        }
    }

    public func executions(matching digits: String) async throws -> [ExecutionID] {
        let wanted = digits.uppercased().filter { $0 != "-" }
        guard !wanted.isEmpty, wanted.count <= 32, wanted.utf8.allSatisfy({ $0.hexValue != nil }) else { return [] }
        let least = Self.uuid(wanted + String(repeating: "0", count: 32 - wanted.count))
        let greatest = Self.uuid(wanted + String(repeating: "F", count: 32 - wanted.count))
        let suffix = Self.uuid(String(repeating: "0", count: 32 - wanted.count) + wanted)
        let mask = Self.uuid(String(repeating: "0", count: 32 - wanted.count) + String(repeating: "F", count: wanted.count))
        return try await read { connection in
            var found: Set<ExecutionID> = []
            let range = try RawStatement(
                connection,
                "SELECT id FROM executions WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 10"
            )
            range.add(least)
            range.add(greatest)
            while try range.step() { found.insert(range.execution(0)) }
            // No index is in the order of endings: one would cost each submission a page. Comparing words here is twenty times
            // faster than text functions in SQL.
            let all = try RawStatement(connection, StateIndex.ids(Set(ExecutionState.allCases)))
            while try all.step() {
                let id = all.uuid(0)
                if id.high & mask.high == suffix.high && id.low & mask.low == suffix.low { found.insert(ExecutionID(id)) }
            }
            return Array(found.sorted(by: >).prefix(10))
        }
    }

    private static func uuid(_ digits: String) -> UUIDv7 {
        var words: (UInt64, UInt64) = (0, 0)
        for (index, digit) in digits.utf8.enumerated() {
            let value = UInt64(digit.hexValue ?? 0)
            if index < 16 { words.0 = words.0 << 4 | value } else { words.1 = words.1 << 4 | value }
        }
        return UUIDv7(high: words.0, low: words.1)
    }

    public func executions(
        _ filter: ExecutionFilter,
        limit: Int,
        before: ExecutionID?
    ) async throws -> [Execution] {
        try await read { connection in
            var conditions: [String] = []
            if !filter.states.isEmpty {
                let numbers = filter.states.map { String($0.rawValue) }.sorted().joined(separator: ", ")
                conditions.append("e.state IN (\(numbers))")
                if try StateIndex.areFew(filter.states, connection) {
                    conditions.append("e.id IN (\(StateIndex.ids(filter.states)))")
                }
            }
            if filter.type != nil { conditions.append("e.type = ?") }
            if filter.jobName != nil { conditions.append("d.job_name = ?") }
            if filter.createdFrom != nil { conditions.append("e.created_at >= ?") }
            if filter.createdBefore != nil { conditions.append("e.created_at < ?") }
            if before != nil { conditions.append("e.id < ?") }
            let condition = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
            // CROSS JOIN keeps the order of ids as the outer loop: pages are short, histories long.
            let select = ExecutionRow.select.replacing("JOIN definitions", with: "CROSS JOIN definitions")
            let row = try RawStatement(connection, select + condition + " ORDER BY e.id DESC LIMIT ?")
            if let type = filter.type { row.add(type) }
            if let name = filter.jobName { row.add(name) }
            if let from = filter.createdFrom { row.add(from) }
            if let end = filter.createdBefore { row.add(end) }
            if let before { row.add(before) }
            row.add(Int64(limit))
            let blobs = try RawStatement(connection, Statement.readBlob.sql)
            var found: [Execution] = []
            while try row.step() { found.append(try ExecutionRow.read(row, blobs)) }
            return found
        }
    }

    public func attempts(of id: ExecutionID) async throws -> [Attempt] {
        try await read { connection in
            let row = try RawStatement(connection, "SELECT * FROM attempts WHERE execution = ? ORDER BY number")
            row.add(id)
            var attempts: [Attempt] = []
            while try row.step() { attempts.append(try Self.attempt(row)) }
            let current = try RawStatement(connection, ExecutionRow.select + " WHERE e.id = ?")
            current.add(id)
            guard try current.step(), let last = Self.unwrittenAttempt(current), attempts.last?.number != last.number else {
                return attempts
            }
            return attempts + [last]
        }
    }

    private static func attempt(_ row: RawStatement) throws -> Attempt {
        let outcome = AttemptOutcome(rawValue: UInt8(truncatingIfNeeded: row.int(2)))
        var attempt = Attempt(number: row.int32(1), outcome: outcome)
        attempt.startedAt = row.optionalTimestamp(3)
        attempt.finishedAt = row.optionalTimestamp(4)
        attempt.errorCode = row.text(5)
        attempt.errorMessage = row.text(6)
        attempt.stackTrace = row.text(7)
        attempt.details = row.text(8)
        if let metadata = row.text(9) { attempt.metadata = try StoredJSON.value([String: JSONValue].self, metadata) }
        attempt.ranOn = row.text(10)
        return attempt
    }

    /// The attempt that has no row of its own: the running one, or the plain success that ended it all.
    private static func unwrittenAttempt(_ row: RawStatement) -> Attempt? {
        let number = row.int32(16)
        switch row.state(6) {
        case .running: return Attempt(number: number)
        case .succeeded:
            var attempt = Attempt(number: number, outcome: .succeeded)
            attempt.startedAt = row.optionalTimestamp(13)
            attempt.finishedAt = row.optionalTimestamp(14)
            attempt.ranOn = row.text(26)
            return attempt
        default: return nil
        }
    }

    public func payload(of id: ExecutionID) async throws -> Payload? { try await blob(.payload, of: id) }

    public func output(of id: ExecutionID) async throws -> Payload? { try await blob(.output, of: id) }

    private func blob(_ kind: BlobKind, of id: ExecutionID) async throws -> Payload? {
        try await read { connection in
            try ExecutionRow.blob(kind, of: id, RawStatement(connection, Statement.readBlob.sql))
        }
    }

    public func dependencies(of id: ExecutionID) async throws -> [Dependency] {
        try await read { connection in
            let row = try RawStatement(
                connection,
                #"SELECT parent, "on" FROM dependencies WHERE child = ? ORDER BY parent"#
            )
            row.add(id)
            var found: [Dependency] = []
            while try row.step() {
                found.append(Dependency(row.execution(0), on: DependencyCondition(number: row.int(1))))
            }
            return found
        }
    }
}
