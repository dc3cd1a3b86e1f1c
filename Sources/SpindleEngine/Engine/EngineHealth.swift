import Logging
public import SpindleCore
import Synchronization

/// Whether the engine can keep its promises at the moment.
final class EngineHealth: Sendable {
    private let problem = Mutex<SpindleError?>(nil)

    var storeProblem: SpindleError? { problem.withLock { $0 } }

    /// Notes a failed write; true if this is news.
    func storeFailed(_ error: any Error) -> Bool {
        let known = error as? SpindleError ?? SpindleError(.storeUnavailable, "The store failed.", details: "\(error)")
        return problem.withLock { problem in
            defer { problem = known }
            return problem?.code != known.code
        }
    }

    /// Notes that a write succeeded; true if this is news.
    func storeWorks() -> Bool {
        problem.withLock { problem in
            defer { problem = nil }
            return problem != nil
        }
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
