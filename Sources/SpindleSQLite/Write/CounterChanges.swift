internal import SpindleCore

/// How many executions entered and left each state since the last commit, by type and minute.
struct CounterChanges {
    struct Entry {
        let state: ExecutionState
        let type: String
        let minute: Int64
        var entered: Int64
        var left: Int64
    }

    private static let stateCount = ExecutionState.allCases.count
    /// For each state the bits of those that may follow: ``ExecutionState/canBecome(_:)``, tabulated for the hot road.
    private static let successors: [UInt16] = ExecutionState.allCases.map { state in
        ExecutionState.allCases.reduce(0) { state.canBecome($1) ? $0 | 1 << UInt16($1.rawValue) : $0 }
    }

    /// One type in one minute: nearly always the same as the last time, and therefore looked for by comparing.
    private struct Row {
        let type: String
        let minute: Int64
        var entered = [Int64](repeating: 0, count: CounterChanges.stateCount)
        var left = [Int64](repeating: 0, count: CounterChanges.stateCount)
    }

    private var rows: [Row] = []
    private var last = 0

    static func isLegal(from old: ExecutionState, to new: ExecutionState) -> Bool {
        successors[Int(old.rawValue)] & 1 << UInt16(new.rawValue) != 0
    }

    mutating func add(_ old: ExecutionState?, _ new: ExecutionState?, type: String, minute: Int64, by amount: Int64) {
        let row = row(type: type, minute: minute)
        if let old { rows[row].left[Int(old.rawValue)] += amount }
        if let new { rows[row].entered[Int(new.rawValue)] += amount }
    }

    private mutating func row(type: String, minute: Int64) -> Int {
        if last < rows.count, rows[last].minute == minute, rows[last].type == type { return last }
        if let index = rows.firstIndex(where: { $0.minute == minute && $0.type == type }) {
            last = index
            return index
        }
        last = rows.count
        rows.append(Row(type: type, minute: minute))
        return last
    }

    /// How many more executions are in a state than at the last commit.
    func balance(_ state: ExecutionState) -> Int64 {
        rows.reduce(0) { $0 + $1.entered[Int(state.rawValue)] - $1.left[Int(state.rawValue)] }
    }

    /// The changes; afterwards there are none.
    mutating func take() -> [Entry] {
        defer { self = CounterChanges() }
        return rows.flatMap { row in
            ExecutionState.allCases.compactMap { state in
                let (entered, left) = (row.entered[Int(state.rawValue)], row.left[Int(state.rawValue)])
                if entered == 0 && left == 0 { return nil }
                return Entry(state: state, type: row.type, minute: row.minute, entered: entered, left: left)
            }
        }
    }
}
