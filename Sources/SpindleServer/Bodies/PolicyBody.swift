public import SpindleCore

/// Waits and number of tries in JSON; what is left out is decided by the layers below.
public struct RetryPolicyBody: Codable, Hashable, Sendable {
    /// `exponential`, `linear`, `fixed` or `none`.
    public var strategy: RetryPolicy.Strategy?
    /// Retries after the first try.
    public var maxRetries: Int32?
    /// The first wait.
    public var baseDelay: DurationBody?
    /// The longest wait.
    public var maxDelay: DurationBody?
    /// The largest share of the wait that chance may add, in permille; in JSON a number from 0 to 1.
    public var jitterPermille: Int32?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case strategy, maxRetries, baseDelay, maxDelay
        case jitterPermille = "jitter"
    }

    /// Sets nothing, or only how often to try again.
    public init(maxRetries: Int32? = nil) { self.maxRetries = maxRetries }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.strictContainer(keyedBy: CodingKeys.self, of: "\"retry\"")
        strategy = try container.word(.strategy, RetryPolicy.Strategy.allCases.map(\.rawValue)) {
            RetryPolicy.Strategy(rawValue: $0)
        }
        maxRetries = try container.wholeNumber(.maxRetries, in: 0...Int32.max)
        baseDelay = try container.duration(.baseDelay, in: 0...Int64.max)
        maxDelay = try container.duration(.maxDelay, in: 0...Int64.max)
        jitterPermille = try container.permille(.jitterPermille)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(strategy, forKey: .strategy)
        try container.encodeIfPresent(maxRetries, forKey: .maxRetries)
        try container.encodeIfPresent(baseDelay, forKey: .baseDelay)
        try container.encodeIfPresent(maxDelay, forKey: .maxDelay)
        try container.encodeIfPresent(jitterPermille.map { Double($0) / 1000 }, forKey: .jitterPermille)
    }
}

/// A policy in JSON; what is left out is decided by the layers below.
public struct PolicyBody: Codable, Hashable, Sendable {
    /// Waits and number of tries.
    public var retry: RetryPolicyBody?
    /// The time limit of each attempt.
    public var timeout: DurationBody?
    /// `rerun` or `fail`.
    public var onInterrupted: InterruptionPolicy?
    /// Executions with the same key share the limit.
    public var concurrencyKey: String?
    /// How many executions with the same key may run at once.
    public var concurrencyLimit: Int32?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case retry, timeout, onInterrupted, concurrencyKey, concurrencyLimit
    }

    /// Sets nothing.
    public init() {}

    /// What a job sets.
    public init(_ policy: PolicyOverrides, concurrencyKey: String?) {
        var retry = RetryPolicyBody(maxRetries: policy.maxRetries)
        retry.strategy = policy.strategy
        retry.baseDelay = policy.baseDelay.map { DurationBody(microseconds: $0) }
        retry.maxDelay = policy.maxDelay.map { DurationBody(microseconds: $0) }
        retry.jitterPermille = policy.jitterPermille
        self.retry = retry == RetryPolicyBody() ? nil : retry
        timeout = policy.timeout.map { DurationBody(microseconds: $0) }
        onInterrupted = policy.onInterrupted
        self.concurrencyKey = concurrencyKey
        concurrencyLimit = policy.concurrencyKeyLimit
    }

    /// The resolved policy of an execution.
    public init(_ policy: JobPolicy, concurrencyKey: String?) {
        var retry = RetryPolicyBody(maxRetries: policy.retry.maxRetries)
        retry.strategy = policy.retry.strategy
        retry.baseDelay = DurationBody(microseconds: policy.retry.baseDelay)
        retry.maxDelay = DurationBody(microseconds: policy.retry.maxDelay)
        retry.jitterPermille = policy.retry.jitterPermille
        self.retry = retry
        timeout = DurationBody(microseconds: policy.timeout)
        onInterrupted = policy.onInterrupted
        self.concurrencyKey = concurrencyKey
        concurrencyLimit = concurrencyKey == nil ? nil : policy.concurrencyKeyLimit
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.strictContainer(keyedBy: CodingKeys.self, of: "\"policy\"")
        retry = try container.decodeIfPresent(RetryPolicyBody.self, forKey: .retry)
        timeout = try container.duration(.timeout, in: 0...Int64.max)
        onInterrupted = try container.word(.onInterrupted, ["rerun", "fail"]) { InterruptionPolicy(rawValue: $0) }
        concurrencyKey = try container.decodeIfPresent(String.self, forKey: .concurrencyKey)
        concurrencyLimit = try container.wholeNumber(.concurrencyLimit, in: 0...Int32.max)
    }

    /// The policy of `job` with what this body sets.
    public func apply(to job: inout Job) {
        if let strategy = retry?.strategy { job.policy.strategy = strategy }
        if let maxRetries = retry?.maxRetries { job.policy.maxRetries = maxRetries }
        if let baseDelay = retry?.baseDelay { job.policy.baseDelay = baseDelay.microseconds }
        if let maxDelay = retry?.maxDelay { job.policy.maxDelay = maxDelay.microseconds }
        if let jitter = retry?.jitterPermille { job.policy.jitterPermille = jitter }
        if let timeout { job.policy.timeout = timeout.microseconds }
        if let onInterrupted { job.policy.onInterrupted = onInterrupted }
        if let concurrencyKey { job.concurrencyKey = concurrencyKey }
        if let concurrencyLimit { job.policy.concurrencyKeyLimit = concurrencyLimit }
    }
}
