/// All that an executor needs for one attempt. A class, because it is handed on many times and never changes.
public final class AttemptRequest: Sendable {
    /// The execution and the ordinal of the attempt.
    public let key: AttemptKey
    /// The job.
    public let jobID: JobID
    /// The name of the job, if it is a stored definition.
    public let jobName: String?
    /// The executor type chosen at submission.
    public let executorType: String
    /// What the executor acts on.
    public let target: String
    /// Names and values.
    public let parameters: Parameters
    /// Bytes.
    public let payload: Payload?
    /// The resolved policy.
    public let policy: JobPolicy
    /// Attempts that failed or timed out before this one.
    public let failures: Int32
    /// Failures after which there is no further retry.
    public let maxFailures: Int32
    /// Whether it must run alone in a fresh worker, because its worker died before with nobody to blame.
    public let isSuspect: Bool
    /// The shared key of its concurrency limit.
    public let concurrencyKey: String?
    /// Bytes that the attempt before left.
    public let checkpoint: [UInt8]?
    /// W3C trace context.
    public let traceParent: String?
    /// W3C trace state.
    public let traceState: String?

    /// Describes an attempt.
    public init(
        key: AttemptKey,
        jobID: JobID,
        jobName: String? = nil,
        executorType: String,
        target: String,
        parameters: Parameters = Parameters(),
        payload: Payload? = nil,
        policy: JobPolicy = JobPolicy(),
        failures: Int32 = 0,
        maxFailures: Int32 = 1,
        isSuspect: Bool = false,
        concurrencyKey: String? = nil,
        checkpoint: [UInt8]? = nil,
        traceParent: String? = nil,
        traceState: String? = nil
    ) {
        self.key = key
        self.jobID = jobID
        self.jobName = jobName
        self.executorType = executorType
        self.target = target
        self.parameters = parameters
        self.payload = payload
        self.policy = policy
        self.failures = failures
        self.maxFailures = maxFailures
        self.isSuspect = isSuspect
        self.concurrencyKey = concurrencyKey
        self.checkpoint = checkpoint
        self.traceParent = traceParent
        self.traceState = traceState
    }
}
