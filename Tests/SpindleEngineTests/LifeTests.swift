import SpindleCore
import TestSupport
import Testing

@testable import SpindleEngine

/// When executions start, in what order, under which keys.
@Suite struct Life {
    @Test func delayedStart() async throws {
        let executor = ScriptedExecutor.quick()
        try await Bench.with([executor]) { bench in
            var submission = Submission(.of())
            submission.runAt = bench.clock.now.advanced(byMicroseconds: 5_000_000)
            let id = try await bench.engine.submit(submission).id
            #expect(try await bench.execution(id).state == .scheduled)
            bench.clock.advance(by: 4_999_999)
            #expect(try await bench.execution(id).state == .scheduled)
            bench.clock.advance(by: 1)
            #expect(try await bench.engine.wait(for: id).state == .succeeded)
        }
    }

    @Test func prioritiesAge() async throws {
        let executor = ScriptedExecutor.manual(concurrency: 1)
        try await Bench.with([executor]) { bench in
            let blocker = try await bench.submit(.of())
            let first = await executor.nextStart()
            let low = try await bench.submit(.of(target: "low", priority: -1))
            let plain = try await bench.submit(.of(target: "plain"))
            let high = try await bench.submit(.of(target: "high", priority: 2))
            // Two steps of priority are worth a minute: what waited longer than that goes first.
            bench.clock.advance(by: 61_000_000)
            let late = try await bench.submit(.of(target: "late", priority: 2))
            executor.finish(first.key, .success())
            var order: [String] = []
            for _ in 0..<4 {
                let next = await executor.nextStart()
                order.append(next.target)
                executor.finish(next.key, .success())
            }
            for id in [blocker, low, plain, high, late] { _ = try await bench.engine.wait(for: id) }
            #expect(order == ["high", "plain", "late", "low"])
        }
    }

    @Test func uniqueKey() async throws {
        let executor = ScriptedExecutor.manual()
        try await Bench.with([executor]) { bench in
            let submission = Submission(.of(), uniqueKey: "nightly")
            let first = try await bench.engine.submit(submission)
            let second = try await bench.engine.submit(submission)
            #expect(first.created && !second.created && first.id == second.id)
            executor.finish(await executor.nextStart().key, .success())
            _ = try await bench.engine.wait(for: first.id)
            #expect(try await bench.engine.submit(submission).created)
            executor.finish(await executor.nextStart().key, .success())
        }
    }

    @Test func idempotencyKey() async throws {
        try await Bench.with([ScriptedExecutor.quick()]) { bench in
            let submission = Submission(.of(), idempotencyKey: "a", principal: "p")
            let first = try await bench.engine.submit(submission)
            #expect(try await bench.engine.submit(submission) == SubmissionReceipt(id: first.id, created: false))
            let other = Submission(.of(target: "other"), idempotencyKey: "a", principal: "p")
            let error = await #expect(throws: SpindleError.self) { try await bench.engine.submit(other) }
            #expect(error?.code == .idempotencyMismatch)
            #expect(try await bench.engine.submit(Submission(.of(), idempotencyKey: "a", principal: "q")).created)
            bench.clock.advance(by: 86_400_000_001)
            #expect(try await bench.engine.submit(other).created)
        }
    }

    @Test func idempotencyCoversTheTimes() async throws {
        try await Bench.with([ScriptedExecutor.quick()]) { bench in
            let later = bench.clock.now.advanced(byMicroseconds: 3_600_000_000)
            var submission = Submission(.of(), idempotencyKey: "a")
            submission.delay = 1_000_000
            let first = try await bench.engine.submit(submission)
            // The same wish a moment later comes to another moment, and is the same all the same.
            bench.clock.advance(by: 10)
            #expect(try await bench.engine.submit(submission) == SubmissionReceipt(id: first.id, created: false))
            let changes: [(inout Submission) -> Void] = [
                { $0.delay = nil }, { $0.delay = 2_000_000 }, { ($0.delay, $0.runAt) = (nil, later) }, { $0.startBy = later },
                { $0.job.policy.timeout = 5_000_000 }, { $0.job.policy.onInterrupted = .fail }, { $0.job.priority = 1 },
            ]
            for change in changes {
                var other = submission
                change(&other)
                let error = await #expect(throws: SpindleError.self) { try await bench.engine.submit(other) }
                #expect(error?.code == .idempotencyMismatch)
            }
        }
    }

    @Test func whatIsTooLateExpiresAlsoWhenASlotIsFree() async throws {
        let executor = ScriptedExecutor.quick()
        try await Bench.with([executor]) { bench in
            var submission = Submission(.of(), idempotencyKey: "late")
            submission.startBy = bench.clock.now
            let id = try await bench.engine.submit(submission).id
            #expect(try await bench.engine.wait(for: id).state == .expired)
            #expect(executor.started.isEmpty)
        }
    }

    @Test func startByExpires() async throws {
        let executor = ScriptedExecutor.manual(concurrency: 1)
        try await Bench.with([executor]) { bench in
            _ = try await bench.submit(.of())
            let running = await executor.nextStart()
            var submission = Submission(.of())
            submission.startBy = bench.clock.now.advanced(byMicroseconds: 2_000_000)
            // A free slot is not there: it stays in the store, where it may expire.
            var late: [ExecutionID] = []
            for _ in 0..<3 { late.append(try await bench.engine.submit(submission).id) }
            bench.clock.advance(by: 2_000_000)
            let end = try await bench.engine.wait(for: late[2])
            #expect(end.state == .expired && end.result == nil)
            executor.finish(running.key, .success())
        }
    }

    @Test func dependencies() async throws {
        let executor = ScriptedExecutor.manual()
        try await Bench.with([executor]) { bench in
            let parent = try await bench.submit(.of())
            let child = try await bench.engine.submit(Submission(.of(target: "child"), after: [Dependency(parent)])).id
            let onFailure = Submission(.of(), after: [Dependency(parent, on: .failed)])
            let skipped = try await bench.engine.submit(onFailure).id
            #expect(try await bench.execution(child).state == .waiting)
            executor.finish(await executor.nextStart().key, .success())
            let next = await executor.nextStart()
            #expect(next.target == "child")
            executor.finish(next.key, .success())
            #expect(try await bench.engine.wait(for: child).state == .succeeded)
            #expect(try await bench.engine.wait(for: skipped).state == .skipped)
            let nobody = ExecutionID(UUIDv7(milliseconds: 0, random: (1, 1)))
            let error = await #expect(throws: SpindleError.self) {
                try await bench.engine.submit(Submission(.of(), after: [Dependency(nobody)]))
            }
            #expect(error?.code == .notFound)
        }
    }

    @Test func concurrencyKeys() async throws {
        let executor = ScriptedExecutor.manual()
        try await Bench.with([executor]) { bench in
            for target in ["a1", "a2", "b1"] {
                bench.clock.advance(by: 1000)
                _ = try await bench.submit(.of(target: target, key: String(target.prefix(1))))
            }
            let first = await executor.nextStart()
            let second = await executor.nextStart()
            #expect(Set([first.target, second.target]) == ["a1", "b1"])
            executor.finish(second.target == "a1" ? second.key : first.key, .success())
            let third = await executor.nextStart()
            #expect(third.target == "a2")
            executor.finish(third.key, .success())
            executor.finish(second.target == "a1" ? first.key : second.key, .success())
        }
    }

    @Test func typesTakeTurns() async throws {
        let busy = ScriptedExecutor.manual("busy")
        let rare = ScriptedExecutor.manual("rare")
        var configuration = EngineConfiguration()
        configuration.maxConcurrentJobs = 1
        try await Bench.with([busy, rare], configuration) { bench in
            for _ in 0..<20 { _ = try await bench.submit(.of("busy")) }
            var running = await busy.nextStart()
            _ = try await bench.submit(.of("rare"))
            // The slot goes back and forth: at most one more of the busy type comes first.
            busy.finish(running.key, .success())
            let other = Task { await rare.nextStart() }
            while rare.started.isEmpty && busy.started.count < 4 {
                if bench.engine.status.running == 1, let last = busy.started.last, last.key != running.key {
                    running = last
                    busy.finish(last.key, .success())
                }
                await Task.yield()
            }
            #expect(busy.started.count < 4)
            rare.finish(await other.value.key, .success())
        }
    }

    @Test func checkpointReachesTheNextAttempt() async throws {
        let executor = ScriptedExecutor.manual()
        try await Bench.with([executor]) { bench in
            var job = Job.of(retries: 1)
            job.policy.baseDelay = 1000
            let id = try await bench.submit(job)
            let first = await executor.nextStart()
            executor.send(.checkpoint(first.key, [1, 2, 3]))
            executor.finish(first.key, .retryable("again"))
            await bench.store.wait(for: id, toBe: .retrying)
            await bench.clock.alarm(at: bench.clock.monotonic + 1000)
            bench.clock.advance(by: 1000)
            let second = await executor.nextStart()
            #expect(second.checkpoint == [1, 2, 3])
            executor.finish(second.key, .success())
            _ = try await bench.engine.wait(for: id)
        }
    }

    @Test func progressAndLogs() async throws {
        let executor = ScriptedExecutor.manual()
        try await Bench.with([executor]) { bench in
            let id = try await bench.submit(.of())
            let attempt = await executor.nextStart()
            var lines = try await bench.engine.logs.follow(id).makeAsyncIterator()
            executor.send(.progress(attempt.key, fraction: 1.5, note: "more than all"))
            executor.send(.log(attempt.key, LogLine(level: .info, stream: .plugin, message: "one")))
            executor.send(.log(attempt.key, LogLine(level: .info, stream: .plugin, message: "two")))
            #expect(await lines.next()?.line.message == "one")
            #expect(await lines.next()?.line.message == "two")
            #expect(bench.engine.progress(of: id) == Progress(fraction: 1, note: "more than all"))
            executor.finish(attempt.key, .success())
            #expect(await lines.next() == nil)
            _ = try await bench.engine.wait(for: id)
            #expect(bench.engine.progress(of: id) == nil)
            let kept = try await bench.engine.logs.records(of: id)
            #expect(kept.map(\.line.message) == ["one", "two"])
            #expect(kept.map { $0.sequence & 0xFFFF_FFFF } == [1, 2])
        }
    }

    @Test func parametersFitTheSchema() async throws {
        var descriptor = ExecutorDescriptor(type: "script")
        descriptor.parametersSchema = try JSONSchema(
            #"{"required":["n"],"properties":{"n":{"type":"integer","maximum":9}},"additionalProperties":false}"#
        )
        let executor = ScriptedExecutor(descriptor) { .success($0.parameters["n"]) }
        try await Bench.with([executor]) { bench in
            var job = Job.of()
            job.parameters = ["n": "7"]
            let result = try await bench.engine.execute(Submission(job))
            #expect(result.resultData == "7")
            let wrong: [(Parameters, String)] = [
                (["n": "10"], "The parameter \"n\" of script must be at most 9."),
                (["n": "x"], "The parameter \"n\" of script must be a whole number."),
                (["n": "1", "N": "1"], "The parameter \"N\" of script is not known here; did you mean \"n\"?"),
                (Parameters(), "The parameter \"n\" of script is missing."),
            ]
            for (parameters, message) in wrong {
                job.parameters = parameters
                let submission = Submission(job)
                let error = await #expect(throws: SpindleError.self) { try await bench.engine.submit(submission) }
                #expect(error?.code == .invalidRequest && error?.message == message)
            }
            #expect(executor.started.count == 1)
        }
    }

    @Test func batchIsRefusedOneByOne() async throws {
        try await Bench.with([ScriptedExecutor.quick()]) { bench in
            var bad = Job.of()
            bad.priority = 101
            let answers = try await bench.engine.submit([Submission(.of()), Submission(bad), Submission(.of("none"))])
            #expect(try answers[0].get().created)
            #expect(throws: SpindleError.self) { try answers[1].get() }
            #expect(throws: SpindleError.self) { try answers[2].get() }
            let tooMany = Array(repeating: Submission(.of()), count: Limits.batch + 1)
            await #expect(throws: SpindleError.self) { try await bench.engine.submit(tooMany) }
        }
    }
}

/// Executors that take nothing for a while.
@Suite struct Pauses {
    @Test("work of a paused type waits in the queue, and runs when the pause is over")
    func waits() async throws {
        let executor = ScriptedExecutor.quick()
        try await Bench.with([executor]) { bench in
            executor.pause("broken")
            let id = try await bench.submit(.of())
            let later = try await bench.submit(.of())
            #expect(try await bench.execution(id).state == .queued)
            #expect(executor.started.isEmpty)
            executor.pause(nil)
            #expect(try await bench.engine.wait(for: id).state == .succeeded)
            #expect(try await bench.engine.wait(for: later).state == .succeeded)
        }
    }

    @Test("what was claimed and waits for a slot goes back to the queue; what runs, runs on")
    func givenBack() async throws {
        let executor = ScriptedExecutor.manual()
        try await Bench.with([executor]) { bench in
            let running = try await bench.submit(.of(key: "one at a time"))
            let first = await executor.nextStart()
            let waiting = try await bench.submit(.of(target: "second", key: "one at a time"))
            // Claimed, and parked because of its key.
            while try await bench.execution(waiting).state != .running { await Task.yield() }
            executor.pause("broken")
            while try await bench.execution(waiting).state != .queued { await Task.yield() }
            executor.finish(first.key, .success())
            #expect(try await bench.engine.wait(for: running).state == .succeeded)
            #expect(executor.started.count == 1)
            executor.pause(nil)
            let second = await executor.nextStart()
            #expect(second.target == "second" && second.failures == 0)
            executor.finish(second.key, .success())
            #expect(try await bench.engine.wait(for: waiting).state == .succeeded)
        }
    }

    @Test("an attempt that its executor did not begin burns no retry, also where interruptions fail")
    func deferred() async throws {
        let executor = ScriptedExecutor.manual()
        try await Bench.with([executor]) { bench in
            var submission = Submission(.of())
            submission.job.policy.onInterrupted = .fail
            let id = try await bench.engine.submit(submission).id
            let first = await executor.nextStart()
            executor.finish(first.key, ExecutionResult(class: .deferred, errorCode: "spindle.plugin.quarantined"))
            let second = await executor.nextStart()
            #expect(second.failures == 0 && !second.isSuspect && second.key.attempt == 2)
            executor.finish(second.key, .success())
            #expect(try await bench.engine.wait(for: id).state == .succeeded)
            #expect(try await bench.execution(id).crashes == 0)
        }
    }
}
