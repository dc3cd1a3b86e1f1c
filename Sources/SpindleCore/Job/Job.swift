/// What to run: executor type, target, parameters, payload and policy.
///
/// A named job is a stored definition; a submission may also carry an inline job without a name.
public struct Job: Hashable, Sendable {
    /// Names the job for ever.
    public var id: JobID
    /// The operator's name of a stored definition, `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`; nil for an inline job.
    public var name: String?
    /// The executor type; nil routes by target. ASCII case-insensitive, stored in lower case.
    public var executorType: String?
    /// What the executor acts on: a URL, a program, a type name. The original's `JobType`.
    public var target: String
    /// Names and values for the executor.
    public var parameters: Parameters
    /// Bytes for the executor.
    public var payload: Payload?
    /// What this job sets of its policy.
    public var policy: PolicyOverrides
    /// Executions with the same key share ``JobPolicy/concurrencyKeyLimit``.
    public var concurrencyKey: String?
    /// −100 … 100, 0 by default: one step is worth 30 s of waiting.
    public var priority: Int32

    /// Describes a job.
    public init(
        id: JobID,
        name: String? = nil,
        executorType: String? = nil,
        target: String,
        parameters: Parameters = Parameters(),
        payload: Payload? = nil,
        policy: PolicyOverrides = PolicyOverrides(),
        concurrencyKey: String? = nil,
        priority: Int32 = 0
    ) {
        self.id = id
        self.name = name
        self.executorType = executorType?.lowercased()
        self.target = target
        self.parameters = parameters
        self.payload = payload
        self.policy = policy
        self.concurrencyKey = concurrencyKey
        self.priority = priority
    }
}
