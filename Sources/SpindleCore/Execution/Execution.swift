/// One run of a job, as a reader of the store sees it. (The original's `JobExecution`.)
public struct Execution: Sendable {
    /// Its name for ever.
    public var id: ExecutionID
    /// The job it runs.
    public var jobID: JobID
    /// The name of that job, if it is a stored definition.
    public var jobName: String?
    /// The executor type chosen at submission.
    public var executorType: String
    /// What the executor acts on.
    public var target: String
    /// Names and values for the executor.
    public var parameters: Parameters
    /// Where it is in its life.
    public var state: ExecutionState
    /// −100 … 100.
    public var priority: Int32
    /// The resolved policy.
    public var policy: JobPolicy
    /// The shared key of its concurrency limit.
    public var concurrencyKey: String?
    /// When it was accepted.
    public var createdAt: Timestamp
    /// When it may run next; nil if it is ready or final.
    public var runAt: Timestamp?
    /// When it expires if not started.
    public var startBy: Timestamp?
    /// When its last attempt began.
    public var startedAt: Timestamp?
    /// When it reached a final state.
    public var finishedAt: Timestamp?
    /// When its end was asked for.
    public var cancelRequestedAt: Timestamp?
    /// Claims so far.
    public var attempt: Int32
    /// Attempts that failed or timed out.
    public var failures: Int32
    /// Attempts that took their worker down.
    public var crashes: Int32
    /// Attempts lost with their host.
    public var losses: Int32
    /// Retries added by hand.
    public var extraRetries: Int32
    /// Parents that have not ended yet.
    public var pendingParents: Int32
    /// How the last attempt ended.
    public var lastOutcome: AttemptOutcome?
    /// A stable code of the last error.
    public var errorCode: String?
    /// The last error in at most 256 bytes.
    public var error: String?

    /// Describes an execution; stores fill in the rest.
    public init(
        id: ExecutionID,
        jobID: JobID,
        jobName: String? = nil,
        executorType: String,
        target: String,
        parameters: Parameters = Parameters(),
        state: ExecutionState,
        priority: Int32 = 0,
        policy: JobPolicy = JobPolicy(),
        concurrencyKey: String? = nil,
        createdAt: Timestamp
    ) {
        self.id = id
        self.jobID = jobID
        self.jobName = jobName
        self.executorType = executorType
        self.target = target
        self.parameters = parameters
        self.state = state
        self.priority = priority
        self.policy = policy
        self.concurrencyKey = concurrencyKey
        self.createdAt = createdAt
        attempt = 0
        failures = 0
        crashes = 0
        losses = 0
        extraRetries = 0
        pendingParents = 0
    }
}

/// One try inside an execution, as a reader of the store sees it.
public struct Attempt: Sendable {
    /// Its ordinal, from 1.
    public var number: Int32
    /// How it ended; nil while it runs.
    public var outcome: AttemptOutcome?
    /// When it was started.
    public var startedAt: Timestamp?
    /// When its outcome was fixed.
    public var finishedAt: Timestamp?
    /// A stable code of its error.
    public var errorCode: String?
    /// Its error in full.
    public var errorMessage: String?
    /// Where it went wrong.
    public var stackTrace: String?
    /// More about its error, as JSON text.
    public var details: String?
    /// Facts about the run.
    public var metadata: [String: JSONValue]
    /// Who ran it: `worker 1234`, `in-process`, `internal`.
    public var ranOn: String?

    /// Describes an attempt.
    public init(number: Int32, outcome: AttemptOutcome? = nil) {
        self.number = number
        self.outcome = outcome
        metadata = [:]
    }
}
