import SpindleCore

/// Names a worker within its pool.
typealias WorkerID = UInt64
/// Names an attempt on the wire.
typealias AttemptToken = UInt64

/// What decides how a pool behaves; times in microseconds.
struct WorkerPoolSettings: Sendable {
    /// Attempts that one worker may have open.
    var attemptsPerWorker = 1
    /// A worker ends after its first attempt.
    var endsAfterAttempt = false
    /// Workers at once, without suspects and replacements of condemned ones.
    var maxWorkers = 256
    /// A worker without work is retired after so long; nil keeps it.
    var idleTime: Int64? = 60_000_000
    /// Between SIGTERM and SIGKILL.
    var killDelay: Int64 = 5_000_000
    /// What a condemned worker's other attempts are given to end.
    var condemnedTime: Int64 = 30_000_000
    /// A worker that needs longer to start has failed.
    var startTime: Int64 = 30_000_000
    /// A worker that was told to stop and has not is killed after so long.
    var shutdownTime: Int64 = 5_000_000
    /// How often a worker is asked whether its loop runs.
    var pingInterval: Int64 = 10_000_000
    /// The longest wait for its answer.
    var pingTime: Int64 = 30_000_000
    /// The same for a condemned worker.
    var condemnedPingTime: Int64 = 5_000_000
    /// How long an attempt may be silent; nil is as long as it runs.
    var heartbeatTime: Int64?
    /// When a worker is replaced though nothing is wrong with it.
    var recycle = RecycleLimits()
    /// Whether the executor has a `check`.
    var canCheck = false
    /// Between two checks.
    var checkInterval: Int64 = 60_000_000
    /// How long a worker is at rest before a check is made in it, if it has one attempt at a time.
    var checkRest: Int64 = 1_000_000
    /// The longest wait for the answer of a check.
    var checkTime: Int64 = 10_000_000
    /// Whether the executor says that it reacts to being asked to end.
    var promisesCancel = false
    /// The first wait after a failed start; doubled each time.
    var firstBackoff: Int64 = 100_000
    /// The longest wait after failed starts.
    var maxBackoff: Int64 = 30_000_000
    /// How long a worker may think about `can_execute`.
    var questionTime: Int64 = 250_000
    /// What an attempt that has completed is given, after its deadline, to end its code too.
    var lingerTime: Int64 = 5_000_000
    /// Attempts get so long when the pool stops.
    var stopGrace: Int64 = 5_000_000

    init() {}

    /// Makes every step against code that does not end follow after the same time.
    mutating func followGrace(_ grace: Int64) {
        killDelay = grace
        lingerTime = grace
        stopGrace = grace
    }
}

/// How a worker ended, as far as can be known.
struct WorkerDeath: Sendable {
    /// The wait status of the runner; nil if even init is gone.
    var waitStatus: Int32?
    /// What the crash handler saw.
    var crash: CrashReport?
    /// The tokens that threads were working for.
    var suspects: [UInt64] = []
    /// Whether the page could not hold all threads.
    var isIncomplete = false
    /// Set if the host gave up on the connection: what it saw.
    var protocolError: String?
    /// Where the addresses of the crash lie, as far as that is known.
    var places: [UInt64: String] = [:]

    init() {}
}

/// What the crash handler of a worker wrote down.
struct CrashReport: Sendable, Hashable {
    var signal: Int32
    var token: UInt64
    var faultAddress: UInt64
    var instruction: UInt64
    var loadBase: UInt64
    var frames: [UInt64]
}

/// What a pool asks its surroundings to do.
enum WorkerPoolAction {
    /// Start a worker process.
    case spawn(WorkerID)
    /// Send an attempt to a worker.
    case start(WorkerID, AttemptToken, AttemptRequest, deadline: Int64)
    /// Ask an attempt to end.
    case cancel(WorkerID, AttemptToken, CancelReason, grace: Int64)
    /// Have init send a signal to everything in the worker.
    case signal(WorkerID, Int32)
    /// Kill init itself: it does not do what it is told.
    case killInit(WorkerID)
    /// Let the worker end by itself.
    case shutdown(WorkerID)
    /// Ask whether its loop runs.
    case ping(WorkerID, UInt64)
    /// Look at what its processes take.
    case measure(WorkerID)
    /// Call the executor's `check`.
    case check(WorkerID)
    /// What a check said that somebody asked for.
    case checkAnswer(UInt64, ExecutorReport.Readiness)
    /// Ask whether its executor would take a job.
    case ask(WorkerID, UInt64, Job)
    /// The answer to such a question.
    case answer(UInt64, Bool)
    /// Call ``WorkerPoolStateMachine/timerFired(_:now:)`` at a moment.
    case timer(WorkerPoolTimer, at: Int64)
    /// Whether a worker is ready, for those who wanted one ahead of work; the reason if none will be.
    case warmedUp(failure: String?)
    /// A worker died by itself: whose fault it was and how it ended, as a part of a sentence.
    case crashed(String)
    /// Something for the operator.
    case note(String)
    /// The pool has stopped and all its workers are gone.
    case stopped
}

/// What a pool waits for. A timer whose cause is gone does nothing.
enum WorkerPoolTimer: Hashable {
    case start(WorkerID)
    case grace(AttemptToken)
    case kill(WorkerID)
    case killInit(WorkerID)
    case condemned(WorkerID)
    case shutdown(WorkerID)
    case idle(WorkerID)
    case ping(WorkerID)
    case pong(WorkerID, UInt64)
    case backoff(UInt64)
    case question(UInt64)
    case age(WorkerID)
    case heartbeat(AttemptToken)
    case check(UInt64)
    case nextCheck(UInt64)
}
