/// Everything that an executor may know about the attempt it runs.
public struct ExecutionContext: Sendable {
    /// What is asked for, with the identity of the attempt.
    public let request: AttemptRequest
    /// Tells when the attempt should end, and why.
    public let cancellation: Cancellation
    private let report: @Sendable (AttemptEvent) -> Void

    /// Binds a request to its cancellation and to the place where reports go.
    public init(
        request: AttemptRequest,
        cancellation: Cancellation,
        report: @escaping @Sendable (AttemptEvent) -> Void = { _ in }
    ) {
        self.request = request
        self.cancellation = cancellation
        self.report = report
    }

    /// The job.
    public var jobID: JobID { request.jobID }
    /// The execution, which is also the idempotency key of all its attempts.
    public var executionID: ExecutionID { request.key.execution }
    /// The executor type that was chosen.
    public var executorType: String { request.executorType }
    /// The target: a URL, a type name. The original's name for it.
    public var jobType: String { request.target }
    /// Names and values.
    public var parameters: Parameters { request.parameters }
    /// Bytes.
    public var payload: Payload? { request.payload }
    /// The ordinal of this try, from 1.
    public var attemptNumber: Int { Int(request.key.attempt) }
    /// Retries that the policy allows after the first try.
    public var maxRetries: Int { Int(request.policy.retry.maxRetries) }
    /// The time limit of this attempt in seconds, rounded up.
    public var timeoutSeconds: Int { Int((request.policy.timeout + 999_999) / 1_000_000) }
    /// Bytes that the attempt before left.
    public var checkpoint: [UInt8]? { request.checkpoint }

    /// Adds a line to the execution's log. Any thread; never blocks.
    public func log(_ level: LogLevel, _ message: String, _ fields: [(String, String)] = []) {
        report(.log(request.key, LogLine(level: level, stream: .plugin, message: message, fields: fields)))
    }

    /// Says how far the work is. Any thread; never blocks.
    ///
    /// - Parameters:
    ///   - fraction: 0 … 1.
    ///   - note: At most 1 KiB.
    public func progress(_ fraction: Double, note: String = "") {
        report(.progress(request.key, fraction: fraction, note: note))
    }

    /// Leaves bytes for the next attempt, at most 256 KiB; the last ones stay. Any thread; never blocks.
    public func saveCheckpoint(_ bytes: [UInt8]) { report(.checkpoint(request.key, bytes)) }
}
