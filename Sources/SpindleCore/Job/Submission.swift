/// On which end of its parent a dependent execution runs.
public enum DependencyCondition: String, Hashable, Sendable, Codable {
    /// Only after success; otherwise it is skipped.
    case succeeded
    /// Only after `failed`, `expired`; otherwise it is skipped.
    case failed
    /// After any end.
    case any

    /// Whether a parent that ended so lets its child run.
    public func isMet(by state: ExecutionState) -> Bool {
        switch self {
        case .succeeded: state == .succeeded
        case .failed: state == .failed || state == .expired
        case .any: state.isFinal
        }
    }
}

/// Another execution that must end first.
public struct Dependency: Hashable, Sendable {
    /// The execution waited for.
    public let parent: ExecutionID
    /// On which of its ends to run.
    public let on: DependencyCondition

    /// Waits for an execution.
    public init(_ parent: ExecutionID, on condition: DependencyCondition = .succeeded) {
        self.parent = parent
        self.on = condition
    }
}

/// A request to run a job once: the job, and when and under which keys.
public struct Submission: Sendable {
    /// What to run.
    public var job: Job
    /// The execution's id if the client supplies it; otherwise the engine makes one.
    public var id: ExecutionID?
    /// Not before this moment.
    public var runAt: Timestamp?
    /// Not before so many microseconds after it was accepted; not together with ``runAt``.
    public var delay: Int64?
    /// If not started by this moment, the execution expires.
    public var startBy: Timestamp?
    /// At most one execution with this key and type (or job) is in a state that is not final.
    public var uniqueKey: String?
    /// The same key with the same body within 24 h gives the same execution.
    public var idempotencyKey: String?
    /// Who submits: idempotency keys are separate for each principal.
    public var principal: String
    /// The types that it may be routed to; nil is any. Not a part of what an idempotency key stands for.
    public var allowedTypes: Set<String>?
    /// Executions that must end first.
    public var after: [Dependency]
    /// W3C trace context of the caller, passed to the plugin.
    public var traceParent: String?
    /// W3C trace state of the caller, passed to the plugin.
    public var traceState: String?

    /// Asks for one execution of a job.
    public init(
        _ job: Job,
        id: ExecutionID? = nil,
        runAt: Timestamp? = nil,
        startBy: Timestamp? = nil,
        uniqueKey: String? = nil,
        idempotencyKey: String? = nil,
        principal: String = "",
        after: [Dependency] = []
    ) {
        self.job = job
        self.id = id
        self.runAt = runAt
        self.startBy = startBy
        self.uniqueKey = uniqueKey
        self.idempotencyKey = idempotencyKey
        self.principal = principal
        self.after = after
    }
}

/// What became of a submission.
public struct SubmissionReceipt: Hashable, Sendable {
    /// The execution: the new one, or the one that already held the key.
    public let id: ExecutionID
    /// False if a unique or idempotency key led to an existing execution.
    public let created: Bool

    /// Says what became of a submission.
    public init(id: ExecutionID, created: Bool) {
        self.id = id
        self.created = created
    }
}
