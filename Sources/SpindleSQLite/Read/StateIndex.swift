internal import SpindleCore

/// Finds executions by state through the small indexes, where the order of ids would lead through the whole history.
enum StateIndex {
    /// Up to so many executions are looked up and sorted; more are met soon enough in the order of ids.
    private static let few: Int64 = 10_000

    /// SQL that gives the ids of all executions in some states. Reads nothing but indexes.
    static func ids(_ states: Set<ExecutionState>) -> String {
        let branches = states.sorted { $0.rawValue < $1.rawValue }.map { state in
            let table = "SELECT id FROM executions INDEXED BY"
            return switch state {
            case .scheduled, .retrying: "\(table) executions_due WHERE state IN (0, 4) AND state = \(state.rawValue)"
            case .queued: "\(table) executions_ready WHERE state = 2"
            case .running: "\(table) executions_running WHERE state = 3"
            case .waiting:
                """
                SELECT DISTINCT child FROM dependencies WHERE is_met = 0
                AND (SELECT state FROM executions WHERE id = child) = 1
                """
            case .succeeded, .failed, .cancelled, .skipped, .expired:
                "\(table) executions_final WHERE state >= 5 AND state = \(state.rawValue)"
            }
        }
        return branches.joined(separator: " UNION ALL ")
    }

    /// Whether only few executions are in these states, by the counters.
    static func areFew(_ states: Set<ExecutionState>, _ connection: OpaquePointer) throws -> Bool {
        let numbers = states.map { String($0.rawValue) }.joined(separator: ", ")
        let sql = #"SELECT coalesce(sum(entered - "left"), 0) FROM counters WHERE state IN (\#(numbers))"#
        let row = try RawStatement(connection, sql)
        return try row.step() && row.int(0) <= few
    }
}
