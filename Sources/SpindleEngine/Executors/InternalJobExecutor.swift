public import SpindleCore
import Synchronization

/// Runs ``ScheduledJob`` types that were registered under their name; never looks up arbitrary types.
public final class InternalJobExecutor: JobExecutor {
    private let factories = Mutex<[String: @Sendable () throws -> any ScheduledJob]>([:])

    /// Knows no job yet.
    public init() {}

    public var executorType: String { "internal" }

    /// Registers a job type.
    ///
    /// - Parameters:
    ///   - type: The job type; its name is ``ScheduledJob/jobName``.
    ///   - services: What the factory gets injected.
    ///   - make: Makes a fresh job for each execution. Any thread.
    public func register<J: ScheduledJob, Services: Sendable>(
        _ type: J.Type,
        services: Services,
        _ make: @escaping @Sendable (Services) throws -> J
    ) {
        factories.withLock { $0[type.jobName] = { try make(services) } }
    }

    /// Registers a job type that needs no services.
    public func register<J: ScheduledJob>(_ type: J.Type, _ make: @escaping @Sendable () throws -> J) {
        factories.withLock { $0[type.jobName] = make }
    }

    /// The names that are registered, in alphabetical order.
    public var jobNames: [String] { factories.withLock { $0.keys.sorted() } }

    public func canExecute(_ job: Job) async -> Bool { factories.withLock { $0[job.target] != nil } }

    public func execute(_ context: ExecutionContext) async -> ExecutionResult {
        guard let make = factories.withLock({ $0[context.jobType] }) else {
            let known = jobNames.joined(separator: ", ")
            return .permanent(
                "There is no internal job \"\(context.jobType)\". Registered: \(known.isEmpty ? "none" : known).",
                code: "spindle.unknown-job"
            )
        }
        do {
            return try await make().run(context)
        } catch is CancellationError where context.cancellation.isCancelled {
            return ExecutionResult(class: .cancelled, errorCode: "spindle.cancelled", errorMessage: "Ended on request.")
        } catch {
            return .failure("\(error)", code: "internal.\(type(of: error))")
        }
    }
}
