import SpindleCore
import TestSupport
import Testing

@testable import SpindleEngine

@Suite("Executors that come and go") struct ExecutorChangeTests {
    /// Runs a job and looks at how it ended.
    private func expect(_ state: ExecutionState, _ job: Job, _ bench: Bench) async throws {
        let id = try await bench.submit(job)
        #expect(try await bench.engine.wait(for: id).state == state)
    }

    @Test func aWithdrawnTypeRefusesNewWorkAndKeepsWhatIsQueued() async throws {
        let executor = ScriptedExecutor.manual(concurrency: 1)
        try await Bench.with([ScriptedExecutor.quick("other")]) { bench in
            let registration = bench.engine.serve(executor)
            let running = try await bench.submit(.of())
            let first = await executor.nextStart()
            let waiting = try await bench.submit(.of())
            bench.engine.withdraw(registration)
            let error = await #expect(throws: SpindleError.self) { try await bench.submit(.of()) }
            #expect(error?.code == .noExecutor)
            // What runs goes on, and its free slot is not given to what waits.
            executor.finish(first.key, .success())
            #expect(try await bench.engine.wait(for: running).state == .succeeded)
            try await expect(.succeeded, .of("other"), bench)
            let next = ScriptedExecutor.quick()
            bench.engine.register(next)
            #expect(try await bench.engine.wait(for: waiting).state == .succeeded)
            #expect(executor.started.count == 1)
        }
    }

    @Test func whatWaitedHereForAWithdrawnTypeIsQueuedInTheStoreAgain() async throws {
        let executor = ScriptedExecutor.manual(concurrency: 2)
        try await Bench.with([]) { bench in
            let registration = bench.engine.serve(executor)
            let ids = [try await bench.submit(.of(key: "k")), try await bench.submit(.of(key: "k"))]
            let first = await executor.nextStart()
            // The other one is held by this host, and waits for the key.
            bench.engine.withdraw(registration)
            executor.finish(first.key, .success())
            #expect(try await bench.engine.wait(for: first.key.execution).state == .succeeded)
            bench.engine.restore(registration)
            let second = await executor.nextStart()
            executor.finish(second.key, .success())
            for id in ids { #expect(try await bench.engine.wait(for: id).state == .succeeded) }
            #expect(second.failures == 0, "waiting is no failure")
        }
    }

    @Test func aReplacedExecutorGetsNoStartOnceAllIsCarriedOut() async throws {
        let old = ScriptedExecutor.quick()
        try await Bench.with([]) { bench in
            let registration = bench.engine.serve(old)
            try await expect(.succeeded, .of(), bench)
            let new = ScriptedExecutor.quick()
            bench.engine.register(new)
            await bench.engine.waitUntilCarriedOut()
            let before = old.started.count
            for _ in 0..<50 { try await expect(.succeeded, .of(), bench) }
            #expect(old.started.count == before)
            #expect(new.started.count == 50)
            bench.engine.forget(registration)
            bench.engine.restore(registration)
            try await expect(.succeeded, .of(), bench)
            #expect(new.started.count == 51, "one that was forgotten cannot come back")
        }
    }

    @Test func anExecutorThatServesIsNotForgotten() async throws {
        let executor = ScriptedExecutor.quick()
        try await Bench.with([]) { bench in
            bench.engine.forget(bench.engine.serve(executor))
            try await expect(.succeeded, .of(), bench)
        }
    }

    @Test func theOldExecutorComesBackWhenItIsRestored() async throws {
        let old = ScriptedExecutor.quick()
        try await Bench.with([]) { bench in
            let registration = bench.engine.serve(old)
            let broken = ScriptedExecutor(ExecutorDescriptor(type: "script")) { _ in .permanent("broken") }
            let newer = bench.engine.serve(broken)
            try await expect(.failed, .of(), bench)
            bench.engine.restore(registration)
            bench.engine.forget(newer)
            try await expect(.succeeded, .of(), bench)
        }
    }
}
