import SpindleCore
import Synchronization

/// Counts committed ends, and hands everything on to the store that is measured.
final class MeasuredStore: JobStore, JobReader {
    private let base: any JobStore & JobReader
    private let ends = Atomic<Int>(0)
    private let commands = Atomic<Int>(0)
    private let overruns = Mutex<[Int64]>([])

    private let timeout: Int64?

    /// - Parameter timeout: Microseconds that every attempt has; nil if timeouts are of no interest.
    init(_ base: any JobStore & JobReader, timeout: Int64? = nil) {
        self.base = base
        self.timeout = timeout
    }

    /// Executions whose end is committed.
    var settled: Int { ends.load(ordering: .relaxed) }
    /// Commands applied.
    var applied: Int { commands.load(ordering: .relaxed) }

    /// Microseconds from each deadline until the outcome of its attempt was fixed, sorted.
    var timeoutOverruns: [Int64] { overruns.withLock { $0.sorted() } }

    func apply(_ batch: [StoreCommand]) async throws -> [StoreOutcome] {
        let outcomes = try await base.apply(batch)
        var count = 0
        for outcome in outcomes { if case .settled(let state, _, _) = outcome, state.isFinal { count += 1 } }
        commands.add(outcomes.count, ordering: .relaxed)
        noteTimeouts(batch)
        if count > 0 { ends.add(count, ordering: .relaxed) }
        return outcomes
    }

    private func noteTimeouts(_ batch: [StoreCommand]) {
        for command in batch {
            guard case .settle(let settlement) = command, settlement.outcome == .timedOut, let began = settlement.startedAt,
                let limit = timeout
            else { continue }
            let overrun = settlement.finishedAt.microseconds - began.microseconds - limit
            overruns.withLock { $0.append(overrun) }
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
    func readyTypes() async throws -> [(type: String, rank: Int64)] { try await base.readyTypes() }
    func nextDue() async throws -> Timestamp? { try await base.nextDue() }
}
