public import SpindleCore

extension SQLiteJobStore {
    public func jobs() async throws -> [Job] {
        try await read { connection in
            let row = try RawStatement(connection, "SELECT name, id, body, payload FROM jobs ORDER BY name")
            var jobs: [Job] = []
            while try row.step() { jobs.append(try Self.job(row)) }
            return jobs
        }
    }

    public func job(named name: String) async throws -> Job? {
        try await read { connection in
            let row = try RawStatement(connection, "SELECT name, id, body, payload FROM jobs WHERE name = ?")
            row.add(name)
            return try row.step() ? try Self.job(row) : nil
        }
    }

    private static func job(_ row: RawStatement) throws -> Job {
        let stored = try StoredJSON.value(StoredJob.self, row.text(2) ?? "")
        return stored.job(id: JobID(row.uuid(1)), name: row.text(0) ?? "", payload: row.bytes(3))
    }

    public func stateCounts() async throws -> [ExecutionState: Int64] {
        try await read { connection in
            let sql = #"SELECT state, sum(entered - "left") FROM counters GROUP BY state"#
            let row = try RawStatement(connection, sql)
            var counts: [ExecutionState: Int64] = [:]
            while try row.step() {
                if row.int(1) != 0 { counts[row.state(0)] = row.int(1) }
            }
            return counts
        }
    }

    public func readyTypes() async throws -> [(type: String, rank: Int64)] {
        try await read { connection in
            // From type to type along the index, without reading what is ready of each.
            let row = try RawStatement(
                connection,
                """
                WITH RECURSIVE types (type) AS (
                    SELECT min(type) FROM executions WHERE state = 2
                    UNION ALL
                    SELECT (SELECT min(type) FROM executions WHERE state = 2 AND type > types.type)
                    FROM types WHERE type IS NOT NULL)
                SELECT type, (SELECT rank FROM executions e WHERE state = 2 AND e.type = types.type ORDER BY rank LIMIT 1)
                FROM types WHERE type IS NOT NULL
                """
            )
            var types: [(type: String, rank: Int64)] = []
            while try row.step() { types.append((type: row.text(0) ?? "", rank: row.int(1))) }
            return types
        }
    }

    public func nextDue() async throws -> Timestamp? {
        try await read { connection in
            let row = try RawStatement(connection, Statement.nextDueSQL)
            return try row.step() ? row.optionalTimestamp(0) : nil
        }
    }
}
