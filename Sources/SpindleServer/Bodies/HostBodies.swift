public import SpindleCore

/// What an executor says about itself, in JSON.
public struct ExecutorBody: Codable, Hashable, Sendable {
    /// Its type.
    public var type: String
    /// Targets that begin so are routed here, if the job names no type.
    public var targetPrefixes: [String]
    /// The plugin it comes from; absent for those compiled in.
    public var plugin: String?
    /// At most so many attempts of this type at once.
    public var concurrency: Int32?
    /// At most so many attempts of the whole plugin at once.
    public var pluginConcurrency: Int32?
    /// What the operator or the author sets of a job's policy.
    public var policy: PolicyBody?
    /// No attempt may have a longer time limit.
    public var maxTimeout: DurationBody?
    /// No execution may have more retries.
    public var maxRetries: Int32?
    /// Whether a second run of the same execution does no harm.
    public var isIdempotent: Bool

    /// Shows an executor.
    public init(_ descriptor: ExecutorDescriptor) {
        type = descriptor.type
        targetPrefixes = descriptor.targetPrefixes
        plugin = descriptor.plugin
        concurrency = descriptor.concurrency
        pluginConcurrency = descriptor.pluginConcurrency
        let policy = PolicyBody(descriptor.policy, concurrencyKey: nil)
        self.policy = policy == PolicyBody() ? nil : policy
        maxTimeout = descriptor.maxTimeout.map { DurationBody(microseconds: $0) }
        maxRetries = descriptor.maxRetriesCap
        isIdempotent = descriptor.isIdempotent
    }
}

/// The executors in JSON.
public struct ExecutorListBody: Codable, Sendable {
    /// In the order of registration.
    public var executors: [ExecutorBody]

    /// Lists executors.
    public init(executors: [ExecutorBody]) { self.executors = executors }
}

/// How a host does, in JSON.
public struct StatusBody: Codable, Hashable, Sendable {
    /// Spindle's version.
    public var version: String
    /// Attempts whose code runs.
    public var running: Int
    /// Attempts that may run at once.
    public var slots: Int
    /// Claimed executions that wait for a slot.
    public var ready: Int
    /// Code that goes on although its attempt is settled.
    public var lingering: Int
    /// Whether the host shuts down.
    public var isDraining: Bool
    /// Why the store cannot be written at the moment.
    public var storeProblem: String?
    /// Plugins whose work waits because their workers crashed too often, by name, with the reason.
    public var quarantined: [String: String]?
    /// How many executions are in each state.
    public var executions: [String: Int64]

    /// Describes how a host does.
    public init(
        version: String,
        running: Int,
        slots: Int,
        ready: Int,
        lingering: Int,
        isDraining: Bool,
        storeProblem: String?,
        quarantined: [String: String]? = nil,
        executions: [String: Int64]
    ) {
        self.version = version
        self.running = running
        self.slots = slots
        self.ready = ready
        self.lingering = lingering
        self.isDraining = isDraining
        self.storeProblem = storeProblem
        self.quarantined = quarantined
        self.executions = executions
    }
}

/// Whether a host lives or can take work, in JSON.
public struct HealthBody: Codable, Hashable, Sendable {
    /// `ok`, `draining` or the code of the problem.
    public var status: String

    /// Says how it is.
    public init(status: String) { self.status = status }
}

/// A problem in JSON (RFC 9457).
public struct ProblemBody: Codable, Hashable, Sendable, Error {
    /// `urn:spindle:problem:CODE`.
    public var type: String
    /// The status in words.
    public var title: String
    /// The HTTP status.
    public var status: Int
    /// What happened, to what, and what to do.
    public var detail: String
    /// A stable code: `invalidRequest`, `notFound` …
    public var code: String
    /// The request, for finding it in the log.
    public var requestId: String?

    /// Describes a problem.
    public init(status: Int, title: String, code: String, detail: String, requestId: String? = nil) {
        type = "urn:spindle:problem:\(code)"
        self.title = title
        self.status = status
        self.detail = detail
        self.code = code
        self.requestId = requestId
    }
}
