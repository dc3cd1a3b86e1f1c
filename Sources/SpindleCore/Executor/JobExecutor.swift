/// Something that can run the jobs of one type.
///
/// This is the form for programs that embed the engine: one call for each attempt. `execute` should watch ``ExecutionContext/cancellation``
/// (or task cancellation) and must not block the thread it runs on for long.
public protocol JobExecutor: Sendable {
    /// The type that jobs name to be run here. ASCII case-insensitive.
    var executorType: String { get }

    /// What this executor says about itself: prefixes for routing, limits, defaults.
    var descriptor: ExecutorDescriptor { get }

    /// Whether it can run a job that names neither a type nor a target with a known prefix. Pure, and quick.
    func canExecute(_ job: Job) async -> Bool

    /// Runs one attempt and says how it ended.
    func execute(_ context: ExecutionContext) async -> ExecutionResult
}

extension JobExecutor {
    public var descriptor: ExecutorDescriptor { ExecutorDescriptor(type: executorType) }
    public func canExecute(_ job: Job) async -> Bool { false }
}

/// An executor that takes and reports attempts in batches: one call for many attempts, never one task each.
///
/// The engine calls from any thread; no call may block.
public protocol BatchExecutor: JobExecutor {
    /// Says where to report what happens; called once, before the first start.
    ///
    /// - Parameter receiver: Takes a batch of events; those of one attempt must come in order. It does not block, and may be called from
    ///   any thread, also within ``start(_:now:)``.
    func report(to receiver: @escaping @Sendable ([AttemptEvent]) -> Void)

    /// Starts attempts; each is reported exactly once as ended.
    ///
    /// - Parameters:
    ///   - attempts: What to run.
    ///   - now: Monotonic microseconds; an attempt's deadline is its policy's timeout later.
    func start(_ attempts: [AttemptRequest], now: Int64)

    /// Asks an attempt to end: tells the code, and after the grace periods takes the means of its isolation level.
    ///
    /// May come for an attempt that has ended; may come again with another reason.
    ///
    /// - Parameters:
    ///   - key: The attempt.
    ///   - reason: Why.
    ///   - grace: Microseconds to end by itself before harder means are used.
    func cancel(_ key: AttemptKey, reason: CancelReason, grace: Int64)

    /// Runs what the executor needs besides (I/O, supervision) until the task is cancelled, then ends its workers.
    func run() async throws

    /// Why it takes no attempts for now; nil if it takes them. Work of its type waits in the queue meanwhile.
    var pauseReason: String? { get }

    /// Says whom to tell when ``pauseReason`` has changed; called once.
    ///
    /// - Parameter receiver: Does not block, and may be called from any thread.
    func reportPauses(to receiver: @escaping @Sendable () -> Void)
}

extension BatchExecutor {
    public var pauseReason: String? { nil }
    public func reportPauses(to receiver: @escaping @Sendable () -> Void) {}
}

/// What an executor says about itself.
public struct ExecutorDescriptor: Hashable, Sendable {
    /// The type, in lower case.
    public var type: String
    /// Targets that begin so are routed here, if the job names no type.
    public var targetPrefixes: [String]
    /// The plugin it comes from; executors of one plugin share its slots. Nil for those compiled in.
    public var plugin: String?
    /// At most so many attempts of this type at once; nil leaves it to the host.
    public var concurrency: Int32?
    /// At most so many attempts of the whole plugin at once; nil leaves it to the host.
    public var pluginConcurrency: Int32?
    /// What the operator (sidecar) or the author (hint) sets of a job's policy.
    public var policy: PolicyOverrides
    /// No attempt may have a longer time limit, in microseconds.
    public var maxTimeout: Int64?
    /// No execution may have more retries.
    public var maxRetriesCap: Int32?
    /// Whether a second run of the same execution does no harm.
    public var isIdempotent: Bool
    /// What parameters must be; nil takes any. A submission that does not fit is refused before it is stored.
    public var parametersSchema: JSONSchema?

    /// Describes an executor.
    public init(
        type: String,
        targetPrefixes: [String] = [],
        plugin: String? = nil,
        concurrency: Int32? = nil,
        pluginConcurrency: Int32? = nil,
        policy: PolicyOverrides = PolicyOverrides()
    ) {
        self.type = type.lowercased()
        self.targetPrefixes = targetPrefixes
        self.plugin = plugin
        self.concurrency = concurrency
        self.pluginConcurrency = pluginConcurrency
        self.policy = policy
        isIdempotent = false
    }
}
