/// What to do with an execution whose attempt was lost through no fault of its own.
public enum InterruptionPolicy: String, Hashable, Sendable, Codable {
    /// Run it again: at least once. An executor that is not idempotent may see its work twice.
    case rerun
    /// Fail it with "outcome unknown": at most once.
    case fail
}

/// The resolved policy of one execution: submission > job > sidecar > descriptor's hint > `ExecutionEngine`.
public struct JobPolicy: Hashable, Sendable {
    /// Waits and number of tries.
    public var retry: RetryPolicy
    /// The time limit of each attempt in microseconds; 1 ms … 30 d.
    public var timeout: Int64
    /// How many executions with the same concurrency key may run at once; 1 … 10,000.
    public var concurrencyKeyLimit: Int32
    /// What to do after an interruption.
    public var onInterrupted: InterruptionPolicy

    /// Describes a policy; the defaults are those of the engine.
    public init(
        retry: RetryPolicy = RetryPolicy(),
        timeout: Int64 = 300_000_000,
        concurrencyKeyLimit: Int32 = 1,
        onInterrupted: InterruptionPolicy = .rerun
    ) {
        self.retry = retry
        self.timeout = timeout
        self.concurrencyKeyLimit = concurrencyKeyLimit
        self.onInterrupted = onInterrupted
    }
}

/// The parts of a policy that one layer (submission, job, sidecar, descriptor) sets; nil leaves them to the layer below.
public struct PolicyOverrides: Hashable, Sendable {
    /// The shape of the waits.
    public var strategy: RetryPolicy.Strategy?
    /// Retries after the first try; 0 … 1,000.
    public var maxRetries: Int32?
    /// The first wait in microseconds.
    public var baseDelay: Int64?
    /// The longest wait in microseconds.
    public var maxDelay: Int64?
    /// The share of the wait that chance may add, in permille; 0 … 1,000.
    public var jitterPermille: Int32?
    /// The time limit of each attempt in microseconds.
    public var timeout: Int64?
    /// How many executions with the same concurrency key may run at once.
    public var concurrencyKeyLimit: Int32?
    /// What to do after an interruption.
    public var onInterrupted: InterruptionPolicy?

    /// Sets nothing.
    public init(
        strategy: RetryPolicy.Strategy? = nil,
        maxRetries: Int32? = nil,
        timeout: Int64? = nil
    ) {
        self.strategy = strategy
        self.maxRetries = maxRetries
        self.timeout = timeout
    }

    /// The policy below with what this layer sets.
    public func applied(to base: JobPolicy) -> JobPolicy {
        var policy = base
        if let strategy { policy.retry.strategy = strategy }
        if let maxRetries { policy.retry.maxRetries = maxRetries }
        if let baseDelay { policy.retry.baseDelay = baseDelay }
        if let maxDelay { policy.retry.maxDelay = maxDelay }
        if let jitterPermille { policy.retry.jitterPermille = jitterPermille }
        if let timeout { policy.timeout = timeout }
        if let concurrencyKeyLimit { policy.concurrencyKeyLimit = concurrencyKeyLimit }
        if let onInterrupted { policy.onInterrupted = onInterrupted }
        return policy
    }
}
