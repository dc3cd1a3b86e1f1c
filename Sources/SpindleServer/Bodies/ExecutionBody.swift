public import SpindleCore
public import SpindleEngine

/// An execution in JSON.
public struct ExecutionBody: Codable, Hashable, Sendable {
    /// Its name for ever.
    public var id: String
    /// The last eight digits of its id: what people type.
    public var shortId: String
    /// The job it runs.
    public var jobId: String
    /// The name of that job, if it is a stored definition.
    public var job: String?
    /// The executor type chosen at submission.
    public var type: String
    /// What the executor acts on.
    public var target: String
    /// Names and values for the executor.
    public var parameters: ParametersBody
    /// Where it is in its life.
    public var state: StateBody
    /// −100 … 100.
    public var priority: Int32
    /// The resolved policy.
    public var policy: PolicyBody
    /// When it was accepted.
    public var createdAt: TimeBody
    /// When it may run next.
    public var runAt: TimeBody?
    /// When it expires if not started.
    public var startBy: TimeBody?
    /// When its last attempt began.
    public var startedAt: TimeBody?
    /// When it reached a final state.
    public var finishedAt: TimeBody?
    /// When its end was asked for.
    public var cancelRequestedAt: TimeBody?
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
    /// How the last attempt ended: `succeeded`, `failed`, `timedOut` …
    public var lastOutcome: String?
    /// The last error.
    public var error: ErrorBody?
    /// How far it says it is; only while it runs.
    public var progress: ProgressBody?
    /// What it waits for; only where one execution was asked for.
    public var after: [DependencyBody]?

    /// Shows an execution.
    public init(_ execution: Execution, progress: Progress? = nil, after: [Dependency]? = nil) {
        id = "\(execution.id)"
        shortId = execution.id.short
        jobId = "\(execution.jobID)"
        job = execution.jobName
        type = execution.executorType
        target = execution.target
        parameters = ParametersBody(execution.parameters)
        state = StateBody(execution.state)
        priority = execution.priority
        policy = PolicyBody(execution.policy, concurrencyKey: execution.concurrencyKey)
        createdAt = TimeBody(execution.createdAt)
        runAt = execution.runAt.map { TimeBody($0) }
        startBy = execution.startBy.map { TimeBody($0) }
        startedAt = execution.startedAt.map { TimeBody($0) }
        finishedAt = execution.finishedAt.map { TimeBody($0) }
        cancelRequestedAt = execution.cancelRequestedAt.map { TimeBody($0) }
        attempt = execution.attempt
        failures = execution.failures
        crashes = execution.crashes
        losses = execution.losses
        extraRetries = execution.extraRetries
        pendingParents = execution.pendingParents
        lastOutcome = execution.lastOutcome?.description
        if execution.error != nil || execution.errorCode != nil {
            error = ErrorBody(code: execution.errorCode, message: execution.error)
        }
        self.progress = progress.map { ProgressBody(fraction: $0.fraction, note: $0.note) }
        self.after = after.map { $0.map { DependencyBody(id: "\($0.parent)", on: $0.on) } }
    }
}

/// The state of an execution in JSON: its name.
public struct StateBody: Codable, Hashable, Sendable {
    /// The state.
    public var state: ExecutionState

    /// Wraps a state.
    public init(_ state: ExecutionState) { self.state = state }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let state = ExecutionState(text) else {
            throw SpindleError(.invalidRequest, "There is no state \"\(text.prefix(64))\".")
        }
        self.state = state
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(state.description)
    }
}

/// An error of an attempt in JSON.
public struct ErrorBody: Codable, Hashable, Sendable {
    /// A stable code.
    public var code: String?
    /// What went wrong.
    public var message: String?
    /// Where it went wrong.
    public var stackTrace: String?
    /// More, as JSON text.
    public var details: String?

    /// Describes an error.
    public init(code: String?, message: String?, stackTrace: String? = nil, details: String? = nil) {
        self.code = code
        self.message = message
        self.stackTrace = stackTrace
        self.details = details
    }
}

/// How far an execution is, in JSON.
public struct ProgressBody: Codable, Hashable, Sendable {
    /// 0 … 1.
    public var fraction: Double
    /// A note for people.
    public var note: String

    /// Describes how far it is.
    public init(fraction: Double, note: String) {
        self.fraction = fraction
        self.note = note
    }
}

/// A page of executions in JSON, newest first.
public struct ExecutionPageBody: Codable, Sendable {
    /// The executions.
    public var executions: [ExecutionBody]
    /// What to give as `cursor` for the next page; absent on the last one.
    public var nextCursor: String?

    /// Describes a page.
    public init(executions: [ExecutionBody], nextCursor: String?) {
        self.executions = executions
        self.nextCursor = nextCursor
    }
}
