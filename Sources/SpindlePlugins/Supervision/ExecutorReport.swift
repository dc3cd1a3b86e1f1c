/// How an executor of a plugin does at the moment.
public struct ExecutorReport: Hashable, Sendable {
    /// One worker process of it.
    public struct Worker: Hashable, Sendable {
        /// The process that has loaded the plugin.
        public var pid: Int32
        /// `starting`, `ready`, `retiring`, `condemned` or `ending`.
        public var phase: String
        /// Attempts that are open in it.
        public var open: Int
        /// Attempts that it was given since it started.
        public var started: Int
        /// Microseconds since it was ready.
        public var age: Int64
        /// Resident memory of its processes in bytes, when they were last looked at; nil before that.
        public var memory: Int64?
        /// Processor time of its processes in microseconds, likewise.
        public var processorTime: Int64?
        /// How many processes it has, likewise.
        public var processes: Int?
    }

    /// What its `check` said last.
    public enum Readiness: Hashable, Sendable {
        /// It has none, or was not asked yet.
        case unknown
        /// What it needs is there.
        case ready
        /// What is missing, in the plugin's words.
        case notReady(String)
    }

    /// Its type.
    public var type: String
    /// Its workers, the oldest first.
    public var workers: [Worker] = []
    /// What its `check` said last.
    public var readiness = Readiness.unknown
    /// Attempts that were asked to end while their code ran, and whose code has ended.
    public var cancels = 0
    /// Attempts whose code went on when its grace was over, so that it was ended by force.
    public var ignoredCancels = 0
    /// Microseconds from asking until the code had ended: half of them needed no more.
    public var medianCancel: Int64?
    /// The longest of these times.
    public var longestCancel: Int64?

    /// Answers of workers to the question whether they live, so far.
    var pongs = 0
    /// The most that a worker counted of calls for attempts that were over.
    var staleCalls: UInt64 = 0
    /// The most that a worker counted of other breaches of the ABI.
    var contractBreaches: UInt64 = 0

    init(type: String) { self.type = type }
}
