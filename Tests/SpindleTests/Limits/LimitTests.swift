import Glibc
import Spindle
import SpindleCore
import SpindleEngine
import SpindlePlugins
import Synchronization
import Testing

/// No limit is ever exceeded, and each is used: counted by the code that runs, in memory that all its processes share.
@Suite("limits", .serialized, .timeLimit(.minutes(10)))
struct LimitTests {
    /// `SPINDLE_TEST_SEED` repeats a mix.
    private static var seed: UInt64 {
        getenv("SPINDLE_TEST_SEED").flatMap { UInt64(String(cString: $0)) } ?? UInt64.random(in: .min ... .max)
    }

    @Test(
        "10,000 executions that wait, fail, time out, crash, are cancelled and retried",
        arguments: [IsolationLevel.worker, .inProcess]
    )
    func mix(level: IsolationLevel) async throws {
        let setup = LimitedSetup(level: level)
        let seed = Self.seed
        try await BenchHost.with(setup.plugins, setup.configure) { bench in
            for limit in setup.limits { try await fill(limit, setup, bench) }
            let ends = try await run(10_000, setup, bench, seed: seed)
            let highest = try bench.gauges.highest()
            for limit in setup.limits {
                #expect(highest[limit.gauge] == limit.limit, "\(limit.name), SPINDLE_TEST_SEED=\(seed)")
            }
            // The mix was one.
            #expect(ends.values.reduce(0, +) == 10_000)
            var expected: Set<AttemptOutcome> = [.succeeded, .failed, .timedOut, .cancelled]
            if level == .worker { expected.insert(.crashed) }
            #expect(expected.isSubset(of: ends.keys), "\(ends), SPINDLE_TEST_SEED=\(seed)")
            #expect(bench.engine.status.lingering == 0 && bench.engine.status.running == 0)
        }
    }

    /// Has as many attempts run at once as one limit allows, with more that wait.
    private func fill(_ limit: LimitedSetup.Limit, _ setup: LimitedSetup, _ bench: BenchHost) async throws {
        let hold = try bench.hold(limit.name)
        let jobs = (0..<2 * limit.limit + limit.types.count).map { number in
            var job = bench.job(limit.types[number % limit.types.count], "wait", ["held": hold.path])
            job.concurrencyKey = limit.key
            setup.count(&job, in: bench.gauges)
            return job
        }
        let ids = try await bench.submit(jobs)
        await bench.journal.wait(for: .began, of: Set(ids), count: limit.limit)
        #expect(bench.journal.count(.began, of: Set(ids)) == limit.limit, "\(limit.name)")
        hold.release()
        for end in try await bench.ends(of: ids) { #expect(end.state == .succeeded, "\(limit.name): \(end)") }
    }

    /// Runs the mix, some hundreds at a time, looks at each end and counts them.
    private func run(_ count: Int, _ setup: LimitedSetup, _ bench: BenchHost, seed: UInt64) async throws
        -> [AttemptOutcome: Int]
    {
        var random = MixRandom(seed: seed)
        let mix = (0..<count).map { MixedExecution($0, setup, bench.gauges, &random) }
        let cancels = Dictionary(grouping: mix.filter { $0.cancelAfter != nil }, by: { $0.cancelAfter ?? 0 })
        return try await withThrowingTaskGroup(of: AttemptOutcome.self) { group in
            var ended = 0
            var ends: [AttemptOutcome: Int] = [:]
            for execution in mix {
                if execution.number >= 400 {
                    if let end = try await group.next() { ends[end, default: 0] += 1 }
                    for other in cancels[ended] ?? [] { await cancel(other.id, bench) }
                    ended += 1
                }
                group.addTask {
                    let end = try await bench.engine.executeToEnd(Submission(execution.job, id: execution.id))
                    #expect(execution.mayEnd(end), "\(execution) ended as \(end), SPINDLE_TEST_SEED=\(seed)")
                    // One that was cancelled before its turn has no attempt.
                    return end.outcome ?? .cancelled
                }
            }
            for try await end in group { ends[end, default: 0] += 1 }
            return ends
        }
    }

    /// Too early or too late are answers too.
    private func cancel(_ id: ExecutionID, _ bench: BenchHost) async {
        do {
            try await bench.engine.cancel(id)
        } catch {
            let code = (error as? SpindleError)?.code
            #expect(code == .conflict || code == .notFound, "\(error)")
        }
    }
}
