import SpindleCore
import Synchronization

/// Runs a plain ``JobExecutor`` behind the batch seam: a task for each attempt, on threads of the engine's own.
final class TaskPerAttemptExecutor: BatchExecutor {
    /// What an attempt may still say: held while it speaks, so that nothing comes after its end.
    private final class Voice: Sendable {
        let isOver = Mutex(false)
    }

    private struct Running {
        let cancellation: Cancellation
        let task: Task<Void, Never>?
    }

    let base: any JobExecutor
    private let receiver = Mutex<(@Sendable ([AttemptEvent]) -> Void)?>(nil)
    private let running = Mutex<[AttemptKey: Running]>([:])
    private let threads: ThreadPoolTaskExecutor
    private let clock: any AlarmClock

    init(_ base: any JobExecutor, threads: ThreadPoolTaskExecutor, clock: any AlarmClock) {
        self.base = base
        self.threads = threads
        self.clock = clock
    }

    var executorType: String { base.executorType }
    var descriptor: ExecutorDescriptor { base.descriptor }
    func canExecute(_ job: Job) async -> Bool { await base.canExecute(job) }
    func execute(_ context: ExecutionContext) async -> ExecutionResult { await base.execute(context) }

    func report(to receiver: @escaping @Sendable ([AttemptEvent]) -> Void) { self.receiver.withLock { $0 = receiver } }

    private func report(_ event: AttemptEvent) { receiver.withLock { $0 }?([event]) }

    func start(_ attempts: [AttemptRequest], now: Int64) {
        for request in attempts {
            let cancellation = Cancellation()
            let voice = Voice()
            let context = ExecutionContext(request: request, cancellation: cancellation) { [weak self] event in
                voice.isOver.withLock { isOver in if !isOver { self?.report(event, of: request.key) } }
            }
            // Entered before the task exists, so that its end always finds the entry.
            running.withLock { $0[request.key] = Running(cancellation: cancellation, task: nil) }
            let task = Task(executorPreference: threads) { [base, self] in
                let result = await base.execute(context).bounded
                running.withLock { $0[request.key] = nil }
                voice.isOver.withLock { $0 = true }
                report(.finished(request.key, result, ranOn: "in-process", codeEnded: true))
            }
            running.withLock { running in
                if running[request.key] != nil {
                    running[request.key] = Running(cancellation: cancellation, task: task)
                }
            }
            // A cancel that came in between did not find the task.
            if cancellation.isCancelled { task.cancel() }
        }
    }

    /// Passes on what a job says of itself, within the bounds.
    private func report(_ event: AttemptEvent, of key: AttemptKey) {
        if case .checkpoint(_, let bytes) = event, bytes.count > Limits.checkpoint {
            let message = "A checkpoint of \(bytes.count) bytes was not kept; at most \(Limits.checkpoint) are allowed."
            report(.log(key, LogLine(level: .error, stream: .host, message: message)))
        } else {
            report(event)
        }
    }

    func cancel(_ key: AttemptKey, reason: CancelReason, grace: Int64) {
        guard let entry = running.withLock({ $0[key] }) else { return }
        // Cancelling runs handlers of the job: never on the caller's thread, which may be that of all alarms.
        Task(executorPreference: threads) { [self] in
            entry.cancellation.cancel(reason)
            // Looked up only now: a task that is entered later sees the cancellation itself.
            running.withLock { $0[key]?.task }?.cancel()
        }
        // There is no harder means against a task. Its first grace ends the attempt; after the second it holds no global slot.
        clock.schedule(at: clock.monotonic.saturatingAdd(grace.saturatingAdd(grace))) { [weak self] in
            guard let self, running.withLock({ $0[key] != nil }) else { return }
            report(.abandoned(key))
        }
    }

    func run() async throws {
        // Nothing to do but to be there.
        await Gate().waitUntilCancelled()
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
