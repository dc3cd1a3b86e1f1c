public import SpindleCore

/// What an operator says about one plugin in `NAME.yaml` beside `NAME.so`. Everything is optional.
public struct Sidecar: Hashable, Sendable {
    /// An instance under the operator's own type name.
    public struct Instance: Hashable, Sendable {
        /// The type that jobs name.
        public var type: String
        /// The executor of the plugin that it uses.
        public var uses: String
        /// Its configuration as JSON text.
        public var config: String?
        /// Attempts of it at once.
        public var concurrency: Int32?
    }

    /// Something that submits jobs, under the operator's own name.
    public struct Trigger: Hashable, Sendable {
        /// The operator's name for it.
        public var name: String
        /// The kind of trigger of the plugin that it uses.
        public var uses: String
        /// Its configuration as JSON text.
        public var config: String?
    }

    /// Whether the plugin is used at all.
    public var isEnabled = true
    /// Where its code runs; nil leaves it to the host: worker.
    public var isolation: IsolationLevel?
    /// Whether its code may run in the host itself.
    public var isInProcessAllowed = false
    /// Attempts at once over all its workers; 1 … 10,000.
    public var concurrency: Int32?
    /// Attempts at once in one worker, for executors that allow several; 1 … 4,096.
    public var concurrencyPerWorker: Int32?
    /// What it sets of a job's policy.
    public var policy = PolicyOverrides()
    /// No attempt may have a longer time limit, in microseconds.
    public var maxTimeout: Int64?
    /// No execution may have more retries.
    public var maxRetries: Int32?
    /// How long an idle worker is kept, in microseconds.
    public var idleTimeout: Int64?
    /// Changes of what its process shares that the plugin may make: kinds, or single ones such as `signal:SIGPIPE`.
    public var allowedChanges: [String] = []
    /// An attempt that says nothing for so long is ended, in microseconds; nil waits for its time limit. Only in workers.
    public var heartbeatTimeout: Int64?
    /// How long a worker is used.
    var recycle = RecycleLimits()
    /// The secrets that its jobs and its configuration may refer to.
    public var secrets: [String] = []
    /// The configuration of instances that have none of their own, as JSON text.
    public var config: String?
    /// Instances; empty gives one for each executor of the plugin, under its own type.
    public var executors: [Instance] = []
    /// The types that the file may claim; nil allows all.
    public var types: [String]?

    /// What submits jobs while the host serves.
    public var triggers: [Trigger] = []
    /// The types that its triggers may submit to; `*` is any.
    public var submits: [String] = []

    /// What the plugin may have of the machine.
    public var needs = Grants()

    /// Says nothing.
    public init() {}

    /// The largest sidecar that is read, in bytes.
    public static let maxBytes = 64 * 1024
}
