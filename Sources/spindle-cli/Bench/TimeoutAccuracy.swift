import Logging
import Spindle
import SpindleCore
import SpindleEngine

/// How exactly timeouts fire while every slot is held by code that blocks and ignores cancel.
enum TimeoutAccuracy {
    private static let timeout: Int64 = 100_000
    /// The code runs on for so long after its outcome was fixed, well within the grace: its thread is not given up.
    private static let blocks = "300"
    private static let rounds = 10

    /// Runs four attempts a processor at once, ten times over.
    ///
    /// - Returns: Microseconds from each deadline until the outcome was fixed, sorted.
    static func measure(_ level: BenchScenario.Level, processors: Int32, _ configuration: HostConfiguration) async throws -> [Int64]
    {
        let slots = 4 * processors
        let scratch = try ScratchStore(inMemory: false)
        defer { scratch.remove() }
        let plugin = try BenchPlugin(level: level, slots: slots, configuration)
        return try await plugin.with("bench") { executor in
            let measured = MeasuredStore(scratch.store, timeout: timeout)
            var settings = EngineConfiguration()
            settings.maxConcurrentJobs = slots
            let engine = try await JobExecutionEngine.open(
                store: measured,
                executors: [executor],
                logs: MemoryLogStore(),
                artefacts: MemoryArtefactStore(),
                configuration: settings,
                logger: .quiet
            )
            let running = Task { try await engine.run() }
            var job = Job(
                id: JobID(UUIDv7(high: 0, low: 1)),
                executorType: executor.executorType,
                target: "block",
                parameters: ["ms": blocks]
            )
            job.policy.timeout = timeout
            job.policy.maxRetries = 0
            for _ in 0..<rounds {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<slots {
                        group.addTask { [job] in _ = try await engine.execute(Submission(job)) }
                    }
                    try await group.waitForAll()
                }
            }
            running.cancel()
            try await running.value
            return measured.timeoutOverruns
        }.value
    }
}
