import SpindleCore
import Synchronization
import TestSupport
import Testing

@testable import SpindleEngine

/// Ends that somebody asks for: in every phase, by hand, by the awaiting task, by the host.
@Suite struct Cancel {
    @Test func scheduled() async throws {
        try await Bench.with([ScriptedExecutor.quick()]) { bench in
            var submission = Submission(.of())
            submission.runAt = bench.clock.now.advanced(byMicroseconds: 1_000_000)
            let id = try await bench.engine.submit(submission).id
            #expect(try await bench.engine.cancel(id) == .cancelled)
            #expect(try await bench.engine.wait(for: id).state == .cancelled)
            let error = await #expect(throws: SpindleError.self) { try await bench.engine.cancel(id) }
            #expect(error?.code == .conflict)
        }
    }

    @Test func waitingForASlotAndForItsKey() async throws {
        let executor = ScriptedExecutor.manual(concurrency: 2)
        try await Bench.with([executor]) { bench in
            _ = try await bench.submit(.of(key: "k"))
            let first = await executor.nextStart()
            let parked = try await bench.submit(.of(key: "k"))
            _ = try await bench.submit(.of())
            let second = await executor.nextStart()
            let ready = try await bench.submit(.of())
            for id in [parked, ready] {
                _ = try await bench.engine.cancel(id)
                #expect(try await bench.engine.wait(for: id).state == .cancelled)
            }
            for attempt in [first, second] { executor.finish(attempt.key, .success()) }
            #expect(executor.started.count == 2)
        }
    }

    @Test func runningAndRetrying() async throws {
        let executor = ScriptedExecutor.manual()
        try await Bench.with([executor]) { bench in
            let running = try await bench.submit(.of(retries: 3))
            let attempt = await executor.nextStart()
            #expect(try await bench.engine.cancel(running) == .requested)
            #expect(await executor.nextCancel().reason == .user)
            executor.finish(attempt.key, .retryable("busy"))
            #expect(try await bench.engine.wait(for: running).state == .cancelled)

            let retrying = try await bench.submit(.of(retries: 3))
            executor.finish(await executor.nextStart().key, .retryable("busy"))
            await bench.store.wait(for: retrying, toBe: .retrying)
            #expect(try await bench.engine.cancel(retrying) == .cancelled)
        }
    }

    @Test func deafCodeIsCancelledAfterTheGrace() async throws {
        let executor = ScriptedExecutor.manual()
        try await Bench.with([executor]) { bench in
            let id = try await bench.submit(.of())
            let attempt = await executor.nextStart()
            try await bench.engine.cancel(id)
            _ = await executor.nextCancel()
            bench.clock.advance(by: 5_000_000)
            #expect(try await bench.engine.wait(for: id).outcome == .cancelled)
            executor.send(.codeEnded(attempt.key))
        }
    }

    @Test func retryByHand() async throws {
        let executor = ScriptedExecutor.manual()
        try await Bench.with([executor]) { bench in
            let id = try await bench.submit(.of())
            executor.finish(await executor.nextStart().key, .permanent("no"))
            #expect(try await bench.engine.wait(for: id).state == .failed)
            try await bench.engine.retry(id)
            let second = await executor.nextStart()
            #expect(second.key.attempt == 2)
            let running = await #expect(throws: SpindleError.self) { try await bench.engine.retry(id) }
            #expect(running?.code == .conflict)
            executor.finish(second.key, .success())
            #expect(try await bench.engine.wait(for: id).state == .succeeded)
            await #expect(throws: SpindleError.self) { try await bench.engine.retry(id) }
        }
    }

    @Test func awaitingTaskCancelsItsExecution() async throws {
        let executor = ScriptedExecutor.manual()
        try await Bench.with([executor]) { bench in
            let waiting = Task { try await bench.engine.executeToEnd(Submission(.of())) }
            let attempt = await executor.nextStart()
            waiting.cancel()
            #expect(await executor.nextCancel().reason == .user)
            executor.finish(attempt.key, ExecutionResult(class: .cancelled))
            let end = try await waiting.value
            #expect(end.state == .cancelled)
        }
    }

    @Test func waiterMayGiveUp() async throws {
        let executor = ScriptedExecutor.manual()
        try await Bench.with([executor]) { bench in
            let id = try await bench.submit(.of())
            let attempt = await executor.nextStart()
            let waiting = Task { try await bench.engine.wait(for: id) }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
            executor.finish(attempt.key, .success())
            #expect(try await bench.engine.wait(for: id).state == .succeeded)
        }
    }

    // MARK: Shutdown

    @Test func drainLetsWorkEnd() async throws {
        let executor = ScriptedExecutor.manual()
        let bench = try await Bench([executor])
        let id = try await bench.submit(.of())
        let attempt = await executor.nextStart()
        bench.beginStop()
        while !bench.engine.status.isDraining { await Task.yield() }
        let refused = await #expect(throws: SpindleError.self) { try await bench.submit(.of()) }
        #expect(refused?.code == .draining)
        executor.finish(attempt.key, .success())
        try await bench.stop()
        #expect(try await bench.execution(id).state == .succeeded)
    }

    @Test func interruptedWorkSurvivesAShutdown() async throws {
        let executor = ScriptedExecutor.manual()
        let bench = try await Bench([executor])
        let id = try await bench.submit(.of())
        let waiting = Task { try await bench.engine.wait(for: id) }
        let attempt = await executor.nextStart()
        bench.beginStop()
        await bench.clock.alarm(at: bench.clock.monotonic + 30_000_000)
        bench.clock.advance(by: 30_000_000)
        #expect(await executor.nextCancel().reason == .shutdown)
        executor.finish(attempt.key, ExecutionResult(class: .cancelled))
        try await bench.stop()
        let error = await #expect(throws: SpindleError.self) { try await waiting.value }
        #expect(error?.code == .interrupted)
        #expect(try await bench.execution(id).state == .queued)
        #expect(try await bench.execution(id).failures == 0)

        let next = ScriptedExecutor.quick()
        try await Bench.with([next], store: bench.store) { second in
            let end = try await second.engine.wait(for: id)
            #expect(end.state == .succeeded)
            #expect(next.started.map(\.key.attempt) == [2])
        }
    }

    /// A program may open and close many hosts on one clock.
    @Test func stoppedEngineIsFreed() async throws {
        let clock = ManualClock()
        let executor = InternalJobExecutor()
        executor.register(Nothing.self) { Nothing() }
        weak var engine: JobExecutionEngine?
        do {
            let bench = try await Bench([executor], clock: clock)
            engine = bench.engine
            _ = try await bench.engine.execute(Submission(.of("internal", target: "nothing")))
            try await bench.stop()
        }
        // The last task lets go of it some steps later.
        for _ in 0..<10_000 where engine != nil { await Task.yield() }
        #expect(engine == nil)
    }

    private struct Nothing: ScheduledJob {
        static let jobName = "nothing"
        func run(_ context: ExecutionContext) async throws -> ExecutionResult { .success() }
    }

    // MARK: Plain executors

    private struct Stuck: JobExecutor {
        let executorType = "stuck"
        let started: Gate
        let release: Gate
        func execute(_ context: ExecutionContext) async -> ExecutionResult {
            started.open()
            await release.wait()
            return .success()
        }
    }

    /// A task cannot be killed: after two graces it keeps its type's slot and gives back the global one.
    @Test func stuckTaskGivesBackTheGlobalSlot() async throws {
        let stuck = Stuck(started: Gate(), release: Gate())
        let other = ScriptedExecutor.quick("other")
        var configuration = EngineConfiguration()
        configuration.maxConcurrentJobs = 1
        try await Bench.with([stuck, other], configuration) { bench in
            let id = try await bench.submit(.of("stuck", timeout: 1_000_000))
            await stuck.started.wait()
            let next = try await bench.submit(.of("other"))
            bench.clock.advance(by: 1_000_000)
            bench.clock.advance(by: 10_000_000)
            #expect(try await bench.engine.wait(for: id).outcome == .timedOut)
            #expect(try await bench.engine.wait(for: next).state == .succeeded)
            #expect(bench.engine.status.lingering == 1)
            stuck.release.open()
        }
    }

    private struct BlockingHandler: JobExecutor {
        let executorType = "blocking"
        let started: Gate
        let release: Spin
        func execute(_ context: ExecutionContext) async -> ExecutionResult {
            context.cancellation.onCancel { _ in release.wait() }
            started.open()
            return await withTaskCancellationHandler {
                let forever = Gate()
                await forever.waitUntilCancelled()
                return .retryable("ended")
            } onCancel: {
            }
        }
    }

    /// A cancel handler that blocks holds a thread of the jobs, never the caller: here that would be the test's clock.
    @Test func blockingCancelHandlerHoldsNobodyElse() async throws {
        let box = Spin()
        let executor = BlockingHandler(started: Gate(), release: box)
        try await Bench.with([executor]) { bench in
            let id = try await bench.submit(.of("blocking", timeout: 1_000_000))
            await executor.started.wait()
            bench.clock.advance(by: 1_000_000)
            bench.clock.advance(by: 5_000_000)
            #expect(try await bench.engine.wait(for: id).outcome == .timedOut)
            box.release()
        }
    }
}

/// Something to spin on, for code that blocks its thread.
private final class Spin: Sendable {
    private let isReleased = Mutex(false)
    func release() { isReleased.withLock { $0 = true } }
    func wait() { while !isReleased.withLock({ $0 }) {} }
}
