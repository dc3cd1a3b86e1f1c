import Synchronization

extension MemoryJobStore {
    public func execution(_ id: ExecutionID) async throws -> Execution? {
        state.withLock { $0.record(id)?.execution }
    }

    public func executions(matching digits: String) async throws -> [ExecutionID] {
        let wanted = digits.lowercased().filter { $0 != "-" }
        guard !wanted.isEmpty else { return [] }
        return state.withLock { state in
            let matching = state.order.lazy.reversed().filter { id in
                let text = id.digits
                return text.hasSuffix(wanted) || text.hasPrefix(wanted)
            }
            return Array(matching.prefix(10))
        }
    }

    public func executions(
        _ filter: ExecutionFilter,
        limit: Int,
        before: ExecutionID?
    ) async throws -> [Execution] {
        state.withLock { state in
            var found: [Execution] = []
            var index = before.map { state.position(of: $0) } ?? state.order.count
            while index > 0 && found.count < limit {
                index -= 1
                guard let execution = state.record(state.order[index])?.execution else { continue }
                if filter.matches(execution) { found.append(execution) }
            }
            return found
        }
    }

    public func attempts(of id: ExecutionID) async throws -> [Attempt] {
        state.withLock { state in
            guard let record = state.record(id) else { return [] }
            if record.execution.state != .running { return record.attempts }
            return record.attempts + [Attempt(number: record.execution.attempt)]
        }
    }

    public func payload(of id: ExecutionID) async throws -> Payload? {
        state.withLock { $0.record(id)?.payload }
    }

    public func output(of id: ExecutionID) async throws -> Payload? {
        state.withLock { $0.record(id)?.output }
    }

    public func dependencies(of id: ExecutionID) async throws -> [Dependency] {
        state.withLock { state in
            (state.record(id)?.parents ?? []).map(\.dependency).sorted { $0.parent < $1.parent }
        }
    }

    public func jobs() async throws -> [Job] {
        state.withLock { $0.jobs.sorted { $0.key < $1.key }.map(\.value) }
    }

    public func job(named name: String) async throws -> Job? {
        state.withLock { $0.jobs[name] }
    }

    public func stateCounts() async throws -> [ExecutionState: Int64] {
        state.withLock { state in
            var counts: [ExecutionState: Int64] = [:]
            for name in ExecutionState.allCases where state.counts[Int(name.rawValue)] != 0 {
                counts[name] = state.counts[Int(name.rawValue)]
            }
            return counts
        }
    }

    public func readyTypes() async throws -> [(type: String, rank: Int64)] {
        state.withLock { state in
            state.ready.keys.sorted().compactMap { type in
                state.ready[type]?.first.map { (type: type, rank: $0.key) }
            }
        }
    }

    public func nextDue() async throws -> Timestamp? {
        state.withLock { $0.nextDue() }
    }
}

extension ExecutionFilter {
    /// Whether all conditions hold.
    func matches(_ execution: Execution) -> Bool {
        if !states.isEmpty && !states.contains(execution.state) { return false }
        if let type, type != execution.executorType { return false }
        if let jobName, jobName != execution.jobName { return false }
        if let createdFrom, execution.createdAt < createdFrom { return false }
        if let createdBefore, execution.createdAt >= createdBefore { return false }
        return true
    }
}

extension ExecutionID {
    /// The 32 hexadecimal digits.
    package var digits: String { description.filter { $0 != "-" } }
}
