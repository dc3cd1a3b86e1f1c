import SpindleCore
import Synchronization

/// Notes when attempts start, and hands everything on to the executor that is measured.
struct MeasuredExecutor: BatchExecutor {
    let base: any BatchExecutor
    let table: BenchClockTable
    let clock: any HostClock

    var executorType: String { base.executorType }
    var descriptor: ExecutorDescriptor { base.descriptor }

    func report(to receiver: @escaping @Sendable ([AttemptEvent]) -> Void) { base.report(to: receiver) }
    func canExecute(_ job: Job) async -> Bool { await base.canExecute(job) }
    func execute(_ context: ExecutionContext) async -> ExecutionResult { await base.execute(context) }
    func run() async throws { try await base.run() }

    func start(_ attempts: [AttemptRequest], now: Int64) {
        table.started(attempts, now: clock.monotonic)
        base.start(attempts, now: now)
    }

    func cancel(_ key: AttemptKey, reason: CancelReason, grace: Int64) { base.cancel(key, reason: reason, grace: grace) }
}

/// Succeeds at once, without any plugin: what is left is the engine and the store.
final class NoOpExecutor: BatchExecutor {
    private let receiver = Mutex<(@Sendable ([AttemptEvent]) -> Void)?>(nil)

    var executorType: String { "bench" }
    var descriptor: ExecutorDescriptor { ExecutorDescriptor(type: "bench") }
    func execute(_ context: ExecutionContext) async -> ExecutionResult { .success() }

    func report(to receiver: @escaping @Sendable ([AttemptEvent]) -> Void) { self.receiver.withLock { $0 = receiver } }

    func start(_ attempts: [AttemptRequest], now: Int64) {
        let receiver = receiver.withLock { $0 }
        receiver?(attempts.map { .finished($0.key, .success(), ranOn: nil, codeEnded: true) })
    }

    func cancel(_ key: AttemptKey, reason: CancelReason, grace: Int64) {}

    func run() async throws {
        // Nothing to do but to be there: it ends with the run.
        for await _ in AsyncStream<Never>.makeStream().stream {}
    }
}
