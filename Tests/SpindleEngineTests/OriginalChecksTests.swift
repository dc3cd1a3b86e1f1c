import SpindleCore
import SpindleEngine
import TestSupport
import Testing

/// The runtime checks that the original system had left open.
@Suite struct OriginalChecks {
    private struct Greeting: ScheduledJob {
        static var jobName: String { "greeting" }
        let word: String
        func run(_ context: ExecutionContext) async throws -> ExecutionResult {
            .success("\(word), \(context.parameters["name"] ?? "you")")
        }
    }

    @Test func build() async throws {
        try await Bench.with([ScriptedExecutor.quick()]) { bench in
            #expect(bench.engine.executors.map(\.type) == ["script"])
            #expect(bench.engine.status.running == 0)
            #expect(bench.engine.status.storeProblem == nil)
        }
    }

    @Test func internalJobExecution() async throws {
        let executor = InternalJobExecutor()
        executor.register(Greeting.self, services: "Good day") { Greeting(word: $0) }
        try await Bench.with([executor]) { bench in
            var job = Job.of("Internal", target: "greeting")
            job.parameters = ["name": "Ada"]
            #expect(try await bench.engine.execute(Submission(job)).resultData == "Good day, Ada")
            let unknown = try await bench.engine.executeToEnd(Submission(.of("internal", target: "nothing", retries: 3)))
            #expect(unknown.state == .failed)
            #expect(unknown.result?.errorCode == "spindle.unknown-job")
            #expect(unknown.result?.errorMessage?.contains("greeting") == true)
        }
    }

    @Test func httpJobExecution() async throws {
        let http = ScriptedExecutor.quick("http", prefixes: ["http://", "https://"])
        try await Bench.with([ScriptedExecutor.quick("internal"), http]) { bench in
            let result = try await bench.engine.execute(Submission(.of(nil, target: "HTTPS://example.org/x")))
            #expect(result.resultData == "HTTPS://example.org/x")
            #expect(http.started.map(\.executorType) == ["http"])
        }
    }

    @Test(arguments: RetryPolicy.Strategy.allCases) func retryLogic(_ strategy: RetryPolicy.Strategy) async throws {
        let executor = ScriptedExecutor.manual()
        try await Bench.with([executor]) { bench in
            var job = Job.of(retries: 4)
            job.policy.strategy = strategy
            let id = try await bench.submit(job)
            let waits: [Int64] =
                switch strategy {
                case .exponential: [1, 2, 4, 8]
                case .linear: [1, 2, 3, 4]
                case .fixed: [1, 1, 1, 1]
                case .none: []
                }
            for (index, wait) in waits.enumerated() {
                let attempt = await executor.nextStart()
                #expect(attempt.key == AttemptKey(id, Int32(index + 1)))
                #expect(attempt.failures == Int32(index))
                executor.finish(attempt.key, .retryable("busy"))
                await bench.store.wait(for: id, toBe: .retrying)
                let due = bench.clock.now.advanced(byMicroseconds: wait * 1_000_000)
                #expect(try await bench.execution(id).runAt == due)
                await bench.clock.alarm(at: bench.clock.monotonic + wait * 1_000_000)
                bench.clock.advance(by: wait * 1_000_000 - 1)
                #expect(try await bench.execution(id).state == .retrying)
                bench.clock.advance(by: 1)
            }
            executor.finish(await executor.nextStart().key, .retryable("busy"))
            let end = try await bench.engine.wait(for: id)
            #expect(end.state == .failed)
            #expect(try await bench.execution(id).failures == Int32(waits.count + 1))
        }
    }

    @Test func retryJitterOnlyLengthens() async throws {
        let executor = ScriptedExecutor.manual()
        try await Bench.with([executor]) { bench in
            for _ in 0..<20 {
                var job = Job.of(retries: 1)
                job.policy.jitterPermille = 100
                let id = try await bench.submit(job)
                executor.finish(await executor.nextStart().key, .retryable("busy"))
                await bench.store.wait(for: id, toBe: .retrying)
                let wait = try await bench.execution(id).runAt!.microseconds - bench.clock.now.microseconds
                #expect((1_000_000...1_100_000).contains(wait))
                try await bench.engine.cancel(id)
            }
        }
    }

    @Test func timeoutHandling() async throws {
        let executor = ScriptedExecutor.manual()
        var configuration = EngineConfiguration()
        configuration.cancelGrace = 2_000_000
        try await Bench.with([executor], configuration) { bench in
            let id = try await bench.submit(.of(timeout: 3_000_000))
            let attempt = await executor.nextStart()
            bench.clock.advance(by: 3_000_000)
            let asked = await executor.nextCancel()
            #expect(asked.key == attempt.key && asked.reason == .timeout)
            // Its success comes too late: the outcome was fixed at the deadline.
            executor.finish(attempt.key, .success("late"))
            let end = try await bench.engine.wait(for: id)
            #expect(end.state == .failed && end.outcome == .timedOut)
            #expect(end.result?.errorMessage?.contains("3s") == true)
        }
    }

    @Test func timeoutOfDeafCode() async throws {
        let executor = ScriptedExecutor.manual()
        try await Bench.with([executor]) { bench in
            let id = try await bench.submit(.of(timeout: 1_000_000))
            let attempt = await executor.nextStart()
            bench.clock.advance(by: 1_000_000)
            _ = await executor.nextCancel()
            bench.clock.advance(by: 5_000_000)
            #expect(try await bench.engine.wait(for: id).outcome == .timedOut)
            #expect(bench.engine.status.lingering == 1)
            executor.send(.abandoned(attempt.key))
            executor.send(.codeEnded(attempt.key))
            _ = try await bench.submit(.of())
            executor.finish(await executor.nextStart().key, .success())
        }
    }

    @Test func concurrencyLimiting() async throws {
        let executor = ScriptedExecutor.manual()
        var configuration = EngineConfiguration()
        configuration.maxConcurrentJobs = 3
        try await Bench.with([executor], configuration) { bench in
            for _ in 0..<10 { _ = try await bench.submit(.of()) }
            var running: [AttemptRequest] = []
            for _ in 0..<3 { running.append(await executor.nextStart()) }
            for step in 0..<10 {
                #expect(bench.engine.status.running == min(3, 10 - step))
                #expect(executor.started.count == min(10, step + 3))
                let ended = running.removeFirst().key
                executor.finish(ended, .success())
                _ = try await bench.engine.wait(for: ended.execution)
                if step < 7 { running.append(await executor.nextStart()) }
            }
        }
    }
}
