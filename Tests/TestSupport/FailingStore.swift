public import SpindleCore
import Synchronization

/// A store in memory whose batches fail when a test says so, written or not.
public final class FailingStore: JobStore, JobReader {
    /// What becomes of a batch.
    public enum Fate: Sendable {
        /// Written, and said so.
        case written
        /// Written, but its answer is lost.
        case answerLost
        /// Not written.
        case lost
        /// Not written: there is no room.
        case full
    }

    private let base: MemoryJobStore
    private let fate = Mutex<@Sendable ([StoreCommand]) -> Fate>({ _ in .written })
    private let watchers = Mutex<[(id: ExecutionID, state: ExecutionState, continuation: CheckedContinuation<Void, Never>)]>([])

    /// Works until told otherwise.
    public init(_ base: MemoryJobStore = MemoryJobStore()) { self.base = base }

    /// Decides about each batch from now on.
    public func decide(_ fate: @escaping @Sendable ([StoreCommand]) -> Fate) { self.fate.withLock { $0 = fate } }

    public func apply(_ batch: [StoreCommand]) async throws -> [StoreOutcome] {
        let decide = fate.withLock { $0 }
        let fate = decide(batch)
        guard fate != .full else { throw SpindleError(.storeFull, "The test has no room.") }
        guard fate != .lost else { throw SpindleError(.storeUnavailable, "The test lost this batch.") }
        let outcomes = base.applyNow(batch)
        await tellWatchers()
        guard fate == .written else { throw SpindleError(.storeUnavailable, "The test lost this answer.") }
        return outcomes
    }

    /// Waits until an execution is in a state.
    public func wait(for id: ExecutionID, toBe state: ExecutionState) async {
        await withCheckedContinuation { continuation in
            watchers.withLock { $0.append((id, state, continuation)) }
            Task { await tellWatchers() }
        }
    }

    private func tellWatchers() async {
        for watched in watchers.withLock({ $0 }) {
            guard let found = try? await base.execution(watched.id), found.state == watched.state else { continue }
            let told = watchers.withLock { watchers -> [CheckedContinuation<Void, Never>] in
                let told = watchers.filter { $0.id == watched.id && $0.state == watched.state }
                watchers.removeAll { $0.id == watched.id && $0.state == watched.state }
                return told.map(\.continuation)
            }
            for continuation in told { continuation.resume() }
        }
    }

    public func execution(_ id: ExecutionID) async throws -> Execution? { try await base.execution(id) }
    public func executions(matching digits: String) async throws -> [ExecutionID] {
        try await base.executions(matching: digits)
    }
    public func executions(_ filter: ExecutionFilter, limit: Int, before: ExecutionID?) async throws -> [Execution] {
        try await base.executions(filter, limit: limit, before: before)
    }
    public func attempts(of id: ExecutionID) async throws -> [Attempt] { try await base.attempts(of: id) }
    public func payload(of id: ExecutionID) async throws -> Payload? { try await base.payload(of: id) }
    public func output(of id: ExecutionID) async throws -> Payload? { try await base.output(of: id) }
    public func dependencies(of id: ExecutionID) async throws -> [Dependency] { try await base.dependencies(of: id) }
    public func jobs() async throws -> [Job] { try await base.jobs() }
    public func job(named name: String) async throws -> Job? { try await base.job(named: name) }
    public func stateCounts() async throws -> [ExecutionState: Int64] { try await base.stateCounts() }
    public func readyTypes() async throws -> [(type: String, rank: Int64)] { try await base.readyTypes() }
    public func nextDue() async throws -> Timestamp? { try await base.nextDue() }
}
