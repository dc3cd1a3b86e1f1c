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
        return try await read { connection in
            // Each branch reads only an index that holds the id and little else.
            let matches = "substr(hex(id), -length(?1)) = ?1 OR (id BETWEEN ?2 AND ?3 AND substr(hex(id), 1, length(?1)) = ?1)"
            let groups = ["state = 2", "state IN (0, 4)", "state = 3", "state >= 5"]
            let branches = groups.map { "SELECT id FROM executions WHERE \($0) AND (\(matches))" }
            let waiting = """
                SELECT DISTINCT child FROM dependencies WHERE is_met = 0
                AND (SELECT state FROM executions WHERE id = child) = 1 AND (\(matches.replacing("id", with: "child")))
                """
            let sql = (branches + [waiting]).joined(separator: " UNION ALL ") + " ORDER BY id DESC LIMIT 10"
            let row = try RawStatement(connection, sql)
            row.add(wanted)
            row.add(Self.bytes(wanted, padding: "0"))
            row.add(Self.bytes(wanted, padding: "F"))
            var found: [ExecutionID] = []
            while try row.step() { found.append(row.execution(0)) }
            return found
        }
    }

    /// The least or greatest id that begins with these digits.
    private static func bytes(_ digits: String, padding: Character) -> [UInt8] {
        let values = (digits + String(repeating: padding, count: 32 - digits.count)).utf8.map { $0.hexValue ?? 0 }
        return (0..<16).map { values[2 * $0] << 4 | values[2 * $0 + 1] }
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
