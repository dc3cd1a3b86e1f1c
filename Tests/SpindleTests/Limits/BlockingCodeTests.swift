import Glibc
import Spindle
import SpindleCore
import SpindleEngine
import SpindleServer
import TestSupport
import Testing

/// Code that ignores every request to end, four times as many attempts as there are cores: what the host promises all the same.
///
/// Everything is an order of events, so a slow machine is only slow: the deadlines are short, and nothing must happen within them.
@Suite("code that does not end", .serialized, .timeLimit(.minutes(5)))
struct BlockingCodeTests {
    /// At least so many that one host's limits of four abandoned attempts are passed on any machine.
    private static let blockers = max(8, 4 * sysconf(Int32(_SC_NPROCESSORS_ONLN)))

    /// The outcome of one that did not end: fixed at its deadline, not before.
    private func expectTimeout(_ bench: BenchHost, _ ids: [ExecutionID], _ timeout: Int64) async throws {
        for end in try await bench.ends(of: ids) { #expect(end.state == .failed && end.outcome == .timedOut, "\(end)") }
        for id in ids {
            let attempts = try await bench.engine.reader.attempts(of: id)
            let attempt = try #require(attempts.count == 1 ? attempts.first : nil)
            let (started, finished) = (try #require(attempt.startedAt), try #require(attempt.finishedAt))
            // A millisecond less for clocks: deadlines are of the one that never jumps, records of the one that is kept right.
            #expect(finished.microseconds - started.microseconds >= timeout - 1000)
        }
    }

    @Test("in workers: outcomes are fixed, everything else goes on, and at the end no such process is left")
    func workers() async throws {
        let timeout: Int64 = 2_000_000
        let sidecar = """
            isolation: worker
            idleTimeout: 1h
            executors:
              - {type: alone, uses: bench.serial}
              - {type: shared, uses: bench}
              - {type: async, uses: bench.async}
              - {type: free, uses: bench}
            """
        try await BenchHost.with(["bench": sidecar]) { configuration in
            configuration.engine.maxConcurrentJobs = Int32(Self.blockers + 4)
            // The API must have its turn before the first is killed, also on a slow machine.
            configuration.engine.cancelGrace = 6_000_000
        } _: { bench in
            let types = (0..<Self.blockers).map { ["alone", "shared", "async"][$0 % 3] }
            try await warmUp(bench, types)
            let hold = try bench.hold("for ever")
            let jobs = types.enumerated().map { index, type in
                // Two that never look at anything; every second of the others also ignores SIGTERM.
                let target = index < 2 ? "loop" : "block"
                return bench.job(type, target, ["held": hold.path, "deaf": "\(index / 3 % 2)"], timeout: timeout)
            }
            let ids = try await bench.submit(jobs)
            let began = await bench.journal.wait(for: .began, of: Set(ids), count: ids.count)
            let processes = try Set(began.filter { ids.contains($0.execution) }.map(\.process)).map { try WatchedProcess($0) }

            // Somebody uses the host all the time.
            let over = Gate()
            let meanwhile = Task {
                var whileAllRan = 0
                while !over.isOpen {
                    let status = try await bench.useTheAPI(type: "free")
                    #expect(status.storeProblem == nil && !status.isDraining)
                    if !processes.contains(where: \.hasEnded) { whileAllRan += 1 }
                }
                return whileAllRan
            }
            try await expectTimeout(bench, ids, timeout)
            for process in processes { await process.end() }
            over.open()
            #expect(try await meanwhile.value > 0)
            // It was asked first: by then the outcome was fixed, and its code went on and never came to its end.
            #expect(bench.journal.count(.goesOn, of: Set(ids)) > 0)
            #expect(bench.journal.count(.ended, of: Set(ids)) == 0)
            // All slots are back, and there are new workers for them.
            try await bench.succeed((types + types).map { bench.job($0, "noop") })
            #expect(bench.engine.status.lingering == 0)
            hold.release()
        }
    }

    /// Has a worker ready for each attempt, so that no attempt spends its time waiting for one.
    private func warmUp(_ bench: BenchHost, _ types: [String]) async throws {
        let hold = try bench.hold("warm")
        let ids = try await bench.submit(types.map { bench.job($0, "block", ["held": hold.path]) })
        await bench.journal.wait(for: .began, of: Set(ids), count: ids.count)
        hold.release()
        for end in try await bench.ends(of: ids) { #expect(end.state == .succeeded, "\(end)") }
    }

    @Test("in a shared worker: the others may end, the slot is kept until the code is gone")
    func condemned() async throws {
        let sidecar = """
            isolation: worker
            executors:
              - {type: shared, uses: bench, concurrency: 2}
            """
        try await BenchHost.with(["bench": sidecar]) { configuration in
            configuration.engine.cancelGrace = 50_000
        } _: { bench in
            let (good, bad) = (try bench.hold("good"), try bench.hold("bad"))
            let neighbour = try await bench.submit([bench.job("shared", "wait", ["held": good.path])])
            await bench.journal.wait(for: .began, of: Set(neighbour), count: 1)
            let blocker = try await bench.submit([bench.job("shared", "block", ["held": bad.path], timeout: 500_000)])
            let began = await bench.journal.wait(for: .began, of: Set(blocker), count: 1)
            let process = try WatchedProcess(try #require(began.last?.process))
            #expect(Set(began.map(\.process)).count == 1, "they do not share a worker")

            try await expectTimeout(bench, blocker, 500_000)
            // Its outcome is known, and its code still there; so it keeps its slot, and a third one has none.
            #expect(!process.hasEnded)
            #expect(bench.engine.status.lingering == 1)
            let third = try await bench.submit([bench.job("shared", "noop")])
            #expect(try await bench.engine.reader.execution(third[0])?.state == .queued)
            #expect(bench.journal.count(.began, of: Set(third)) == 0)

            good.release()
            #expect(try await bench.ends(of: neighbour).map(\.state) == [.succeeded])
            await process.end()
            #expect(try await bench.ends(of: third).map(\.state) == [.succeeded])
            #expect(bench.journal.count(.ended, of: Set(blocker)) == 0)
            bad.release()
        }
    }

    @Test("in the host: given up, the rest goes on, and the slots of its type, plugin and key come back with its end")
    func inProcess() async throws {
        let count = Self.blockers
        let timeout: Int64 = 300_000
        let sidecar = """
            isolation: in-process
            allowInProcess: true
            concurrency: \(count)
            executors:
              - {type: hog, uses: bench, concurrency: \(count)}
              - {type: free, uses: bench}
            """
        let other = """
            isolation: in-process
            allowInProcess: true
            executors:
              - {type: other, uses: bench}
            """
        try await BenchHost.with(["bench": sidecar, "other": other]) { configuration in
            configuration.engine.maxConcurrentJobs = Int32(count)
            configuration.engine.cancelGrace = 100_000
        } _: { bench in
            let holds = try (0..<count).map { try bench.hold("\($0)") }
            var jobs = holds.map { bench.job("hog", "block", ["held": $0.path], timeout: timeout) }
            jobs[0].concurrencyKey = "key"
            let ids = try await bench.submit(jobs)
            await bench.journal.wait(for: .began, of: Set(ids), count: count)

            // They have every global slot: that others succeed at all shows that these are given back while the code runs on.
            for _ in 0..<10 { _ = try await bench.useTheAPI(type: "other") }
            try await expectTimeout(bench, ids, timeout)
            #expect(bench.journal.count(.ended, of: Set(ids)) == 0)
            #expect(bench.engine.status.lingering == count && bench.engine.status.running == 0)

            // The type, the plugin and the key are full: these wait, whatever comes after them.
            let sameType = try await bench.submit([bench.job("hog", "noop")])
            let samePlugin = try await bench.submit([bench.job("free", "noop")])
            var job = bench.job("other", "noop")
            job.concurrencyKey = "key"
            let sameKey = try await bench.submit([job])
            for _ in 0..<10 { _ = try await bench.useTheAPI(type: "other") }
            let waiting = sameType + samePlugin + sameKey
            #expect(bench.journal.count(.began, of: Set(waiting)) == 0)
            #expect(try await bench.pluginState("bench") == "restart needed")
            #expect(try await bench.pluginState("other") == "serving")

            // With one at its end there is room, but the plugin takes nothing: too many are still there.
            holds[1].release()
            for end in try await bench.ends(of: sameType + samePlugin) {
                #expect(end.state == .failed && end.result?.errorCode == "spindle.plugin.restart-needed", "\(end)")
            }
            #expect(bench.journal.count(.began, of: Set(waiting)) == 0)
            holds[0].release()
            #expect(try await bench.ends(of: sameKey).map(\.state) == [.succeeded])

            // The last have ended: it is as if nothing had been.
            for hold in holds { hold.release() }
            await bench.journal.wait(for: .ended, of: Set(ids), count: count)
            for type in ["hog", "free", "hog"] {
                var job = bench.job(type, "noop")
                job.policy.strategy = .fixed
                job.policy.baseDelay = 10_000
                job.policy.maxRetries = 1000
                try await bench.succeed([job])
            }
            #expect(bench.engine.status.lingering == 0)
            #expect(try await bench.pluginState("bench") == "serving")
        }
    }
}
