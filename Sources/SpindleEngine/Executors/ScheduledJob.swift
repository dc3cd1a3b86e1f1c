public import SpindleCore

/// A job written in Swift and compiled into the embedding program. (The original's `IScheduledJob`.)
///
/// A fresh one is made for each execution.
public protocol ScheduledJob: Sendable {
    /// The name that submissions use as their target; by default the type's qualified name.
    static var jobName: String { get }

    /// Does the work.
    ///
    /// - Parameter context: What is asked for, cancellation, log and progress.
    /// - Returns: How it ended.
    /// - Throws: Anything: the attempt failed, and may be tried again. `CancellationError` after a cancel is an end on request.
    func run(_ context: ExecutionContext) async throws -> ExecutionResult
}

extension ScheduledJob {
    public static var jobName: String { String(reflecting: Self.self) }
}
