import Logging
public import SpindleCore
import Synchronization

/// Whether the engine can keep its promises at the moment.
final class EngineHealth: Sendable {
    /// A full disk still takes what ends executions, so that only an accepted submission proves that there is room. So long after the last
    /// refusal it is time to let somebody try.
    private static let fullFor: Int64 = 10_000_000

    private struct Problem {
        var error: SpindleError
        /// Of the last failure; monotonic microseconds.
        var at: Int64
    }

    private let problem = Mutex<Problem?>(nil)
    private let clock: any HostClock

    init(clock: any HostClock) { self.clock = clock }

    var storeProblem: SpindleError? {
        let now = clock.monotonic
        return problem.withLock { problem in
            guard let problem, !Self.isOver(problem, now: now) else { return nil }
            return problem.error
        }
    }

    /// Notes a failed write; true if this is news.
    func storeFailed(_ error: any Error) -> Bool {
        let known = error as? SpindleError ?? SpindleError(.storeUnavailable, "The store failed.", details: "\(error)")
        let now = clock.monotonic
        return problem.withLock { problem in
            defer { problem = Problem(error: known, at: now) }
            return problem?.error.code != known.code
        }
    }

    /// Notes that a write succeeded; true if this is news.
    ///
    /// - Parameter isSubmission: Whether it added work.
    func storeWorks(isSubmission: Bool = false) -> Bool {
        let now = clock.monotonic
        return problem.withLock { problem in
            guard let known = problem else { return false }
            if known.error.code == .storeFull && !isSubmission && !Self.isOver(known, now: now) { return false }
            problem = nil
            return true
        }
    }

    private static func isOver(_ problem: Problem, now: Int64) -> Bool {
        problem.error.code == .storeFull && now - problem.at >= fullFor
    }
}

/// What an operator asks first.
public struct EngineStatus: Sendable {
    /// Attempts whose code runs.
    public let running: Int
    /// Attempts that may run at once.
    public let slots: Int
    /// Claimed executions that wait for a slot here.
    public let ready: Int
    /// Code that goes on although its attempt is settled.
    public let lingering: Int
    /// The host is shutting down.
    public let isDraining: Bool
    /// Why the store cannot be written at the moment.
    public let storeProblem: SpindleError?
}

extension JobExecutionEngine {
    /// A batch failed: nobody knows what of it was written.
    func storeFailed(_ error: any Error) {
        if health.storeFailed(error) { logger.error("the store failed: \(error)") }
        dispatcher.fateUnknown()
    }

    /// Writes commands that somebody waits for.
    func write(_ commands: [StoreCommand]) async throws -> [StoreOutcome] {
        do {
            return try await store.apply(commands)
        } catch {
            storeFailed(error)
            throw error
        }
    }

    /// How the engine does.
    public var status: EngineStatus {
        let problem = health.storeProblem
        return dispatcher.update { machine, _, _ in
            EngineStatus(
                running: machine.runningCount,
                slots: Int(machine.settings.maxConcurrentJobs),
                ready: machine.types.reduce(0) { $0 + $1.ready.count + $1.parked },
                lingering: machine.lingering.count,
                isDraining: machine.isDraining,
                storeProblem: problem
            )
        }
    }
}
