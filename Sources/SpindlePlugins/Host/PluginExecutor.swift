import Logging
public import SpindleCore
import Synchronization

/// An executor of a plugin, at whatever level of isolation it runs.
public final class PluginExecutor: BatchExecutor {
    public let executorType: String
    public let descriptor: ExecutorDescriptor
    /// The level at which its code runs.
    public let isolation: IsolationLevel

    private let backend: any AttemptBackend
    private let sink: EventSink
    /// What an attempt that is asked to end gets, in microseconds.
    private let grace: Int64
    private let placed = Mutex<ExecutorRegistration?>(nil)
    /// Ends when the executor has stopped.
    private let life = AsyncStream<Void>.makeStream()
    /// Nil where its code runs in the host itself: a crash would be the host's.
    let supervisor: PluginSupervisor?

    init(
        descriptor: ExecutorDescriptor,
        isolation: IsolationLevel,
        backend: any AttemptBackend,
        sink: EventSink,
        supervisor: PluginSupervisor?,
        grace: Int64
    ) {
        executorType = descriptor.type
        self.descriptor = descriptor
        self.isolation = isolation
        self.backend = backend
        self.sink = sink
        self.supervisor = supervisor
        self.grace = grace
    }

    public var pauseReason: String? { supervisor?.quarantine?.reason }

    public func reportPauses(to receiver: @escaping @Sendable () -> Void) { supervisor?.observe(receiver) }

    public func report(to receiver: @escaping @Sendable ([AttemptEvent]) -> Void) { sink.report(to: receiver) }

    public func start(_ attempts: [AttemptRequest], now: Int64) { backend.start(attempts, now: now) }

    public func cancel(_ key: AttemptKey, reason: CancelReason, grace: Int64) {
        backend.cancel(key, reason: reason, grace: grace)
    }

    public func canExecute(_ job: Job) async -> Bool {
        await withCheckedContinuation { continuation in
            backend.canExecute(job) { continuation.resume(returning: $0) }
        }
    }

    /// One attempt, with its news going to the context.
    public func execute(_ context: ExecutionContext) async -> ExecutionResult {
        let key = context.request.key
        return await withCheckedContinuation { continuation in
            let answer = Answer(continuation)
            sink.divert(key) { [sink] event in
                switch event {
                case .finished(_, let result, _, let codeEnded):
                    answer.give(result)
                    if codeEnded { sink.divert(key, to: nil) }
                case .codeEnded, .abandoned: sink.divert(key, to: nil)
                case .log(_, let line): context.log(line.level, line.message, line.fields)
                case .progress(_, let fraction, let note): context.progress(fraction, note: note)
                case .checkpoint(_, let bytes): context.saveCheckpoint(bytes)
                case .artefact: break
                }
            }
            backend.start([context.request], now: SystemClock().monotonic)
            context.cancellation.onCancel { [backend, grace] reason in
                backend.cancel(key, reason: reason, grace: grace)
            }
        }
    }

    public func run() async throws {
        for await _ in life.stream {}
        await stop()
    }

    /// Asks the plugin's `check` now, in a worker that is started for it if there is none; ``ExecutorReport/Readiness/ready`` without one.
    func check() async -> ExecutorReport.Readiness {
        await withCheckedContinuation { continuation in backend.check { continuation.resume(returning: $0) } }
    }

    /// How it does; nil where its code runs in the host itself.
    func report() async -> ExecutorReport? {
        await withCheckedContinuation { continuation in backend.report { continuation.resume(returning: $0) } }
    }

    /// Why it takes no new work until the host is restarted; nil if it does.
    var restartReason: String? { backend.restartReason }

    /// Where it serves, or has served.
    var place: ExecutorRegistration? { placed.withLock { $0 } }

    /// Notes where it serves.
    func place(_ registration: ExecutorRegistration) { placed.withLock { $0 = registration } }

    /// How its attempts have ended so far.
    var tally: EndTally { sink.tally }

    /// Says from now on when attempts have ended; on the thread that reports them.
    func observeEnds(_ observer: (@Sendable () -> Void)?) { sink.observeEnds(observer) }

    /// Makes ready what a first attempt needs.
    ///
    /// - Returns: Why that failed; nil if it did not.
    func warmUp() async -> String? {
        await withCheckedContinuation { continuation in backend.warmUp { continuation.resume(returning: $0) } }
    }

    /// Waits until no attempt is open and no code of one runs.
    func drained() async {
        await withCheckedContinuation { continuation in backend.whenDrained { continuation.resume() } }
    }

    /// Text without the secrets that its plugin was granted.
    func clean(_ text: String) -> String { sink.clean(text) }

    /// A line that belongs to no execution. Any thread.
    func tell(_ line: LogLine, logger: Logger, now: Int64) {
        sink.log(line, plugin: descriptor.plugin ?? executorType, logger: logger, now: now)
    }

    /// Nothing more will be reported.
    func finish() { sink.finish() }

    /// Ends all attempts and workers.
    func stop() async {
        await withCheckedContinuation { continuation in backend.stop { continuation.resume() } }
        life.continuation.finish()
    }

    /// Answers once.
    private final class Answer: Sendable {
        private let continuation: Mutex<CheckedContinuation<ExecutionResult, Never>?>
        init(_ continuation: CheckedContinuation<ExecutionResult, Never>) { self.continuation = Mutex(continuation) }

        func give(_ result: ExecutionResult) {
            let waiting = continuation.withLock { waiting in
                defer { waiting = nil }
                return waiting
            }
            waiting?.resume(returning: result)
        }
    }
}

/// Waiting without end.
enum Suspension {
    /// Returns when the task is cancelled.
    static func untilCancelled() async {
        let (stream, continuation) = AsyncStream.makeStream(of: Never.self)
        await withTaskCancellationHandler {
            for await _ in stream {}
        } onCancel: {
            continuation.finish()
        }
    }
}
