import SpindleCore
import Synchronization

/// Runs a plain ``JobExecutor`` behind the batch seam: a task for each attempt, on threads of the engine's own.
final class TaskPerAttemptExecutor: BatchExecutor {
    private struct Running {
        let cancellation: Cancellation
        let task: Task<Void, Never>?
    }

    let base: any JobExecutor
    let events: AsyncStream<[AttemptEvent]>
    private let continuation: AsyncStream<[AttemptEvent]>.Continuation
    private let running = Mutex<[AttemptKey: Running]>([:])
    private let threads: ThreadPoolTaskExecutor
    private let clock: any AlarmClock

    init(_ base: any JobExecutor, threads: ThreadPoolTaskExecutor, clock: any AlarmClock) {
        self.base = base
        self.threads = threads
        self.clock = clock
        (events, continuation) = AsyncStream.makeStream()
    }

    var executorType: String { base.executorType }
    var descriptor: ExecutorDescriptor { base.descriptor }
    func canExecute(_ job: Job) async -> Bool { await base.canExecute(job) }
    func execute(_ context: ExecutionContext) async -> ExecutionResult { await base.execute(context) }

    func start(_ attempts: [AttemptRequest], now: Int64) {
        for request in attempts {
            let cancellation = Cancellation()
            let context = ExecutionContext(request: request, cancellation: cancellation) { [self] in report($0, of: request.key) }
            // Entered before the task exists, so that its end always finds the entry.
            running.withLock { $0[request.key] = Running(cancellation: cancellation, task: nil) }
            let task = Task(executorPreference: threads) { [base, self] in
                let result = await base.execute(context).bounded
                running.withLock { running in
                    running[request.key] = nil
                    continuation.yield([.finished(request.key, result, ranOn: "in-process", codeEnded: true)])
                }
            }
            running.withLock { running in
                if running[request.key] != nil {
                    running[request.key] = Running(cancellation: cancellation, task: task)
                }
            }
        }
    }

    /// Passes on what a job says of itself, within the bounds; a context that outlives its attempt says nothing more.
    private func report(_ event: AttemptEvent, of key: AttemptKey) {
        running.withLock { running in
            guard running[key] != nil else { return }
            if case .checkpoint(_, let bytes) = event, bytes.count > Limits.checkpoint {
                let message = "A checkpoint of \(bytes.count) bytes was not kept; at most \(Limits.checkpoint) are allowed."
                continuation.yield([.log(key, LogLine(level: .error, stream: .host, message: message))])
            } else {
                continuation.yield([event])
            }
        }
    }

    func cancel(_ key: AttemptKey, reason: CancelReason, grace: Int64) {
        guard let entry = running.withLock({ $0[key] }) else { return }
        // Cancelling runs handlers of the job: never on the caller's thread, which may be that of all alarms.
        Task(executorPreference: threads) {
            entry.cancellation.cancel(reason)
            entry.task?.cancel()
        }
        // There is no harder means against a task. Its first grace ends the attempt; after the second it holds no global slot.
        clock.schedule(at: clock.monotonic.saturatingAdd(grace.saturatingAdd(grace))) { [weak self] in
            guard let self, running.withLock({ $0[key] != nil }) else { return }
            continuation.yield([.abandoned(key)])
        }
    }

    func run() async throws {
        await withTaskCancellationHandler {
            await Gate().waitUntilCancelled()
        } onCancel: {
            continuation.finish()
        }
    }
}

extension Gate {
    /// Waits until the surrounding task is cancelled.
    func waitUntilCancelled() async {
        await withTaskCancellationHandler {
            await wait()
        } onCancel: {
            open()
        }
    }
}
