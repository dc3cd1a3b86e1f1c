import SpindleCore

/// A store that another process may hold: an engine opened on it can answer questions and changes nothing.
struct ReadOnlyStore<Base: JobStore & JobReader>: JobStore, JobReader {
    let base: Base

    func apply(_ batch: [StoreCommand]) async throws -> [StoreOutcome] {
        try batch.map { command in
            switch command {
            // A lease that no row ever carries: nothing is claimed under it.
            case .openHost(let host, _, _, _): return .opened(HostLease(host: host, epoch: -1), recovered: 0)
            case .closeHost: return .applied
            case .renewHost: return .renewed(cancelRequested: [])
            case .prune: return .pruned([])
            case .promote: return .promoted(readyTypes: [], expired: [], skipped: [], nextDue: nil, more: false)
            default: throw SpindleError(.storeUnavailable, "The store is open for reading only: its host does not answer.")
            }
        }
    }

    func execution(_ id: ExecutionID) async throws -> Execution? { try await base.execution(id) }
    func executions(matching digits: String) async throws -> [ExecutionID] { try await base.executions(matching: digits) }
    func executions(_ filter: ExecutionFilter, limit: Int, before: ExecutionID?) async throws -> [Execution] {
        try await base.executions(filter, limit: limit, before: before)
    }
    func attempts(of id: ExecutionID) async throws -> [Attempt] { try await base.attempts(of: id) }
    func payload(of id: ExecutionID) async throws -> Payload? { try await base.payload(of: id) }
    func output(of id: ExecutionID) async throws -> Payload? { try await base.output(of: id) }
    func dependencies(of id: ExecutionID) async throws -> [Dependency] { try await base.dependencies(of: id) }
    func jobs() async throws -> [Job] { try await base.jobs() }
    func job(named name: String) async throws -> Job? { try await base.job(named: name) }
    func stateCounts() async throws -> [ExecutionState: Int64] { try await base.stateCounts() }
    func readyTypes() async throws -> [(type: String, rank: Int64)] { [] }
    func nextDue() async throws -> Timestamp? { nil }
}
