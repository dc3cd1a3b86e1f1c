import Logging
import SpindleCore
import TestSupport

@testable import SpindleEngine

/// A running engine over a store in memory, a clock that the test moves, and seeded randomness.
struct Bench {
    let engine: JobExecutionEngine
    let clock: ManualClock
    let store: FailingStore
    private let running: Task<Void, any Error>
    private let ended = Gate()

    init(
        _ executors: [any JobExecutor],
        _ configuration: EngineConfiguration = EngineConfiguration(),
        store: FailingStore = FailingStore(),
        clock: ManualClock = ManualClock()
    ) async throws {
        self.clock = clock
        self.store = store
        engine = try await JobExecutionEngine.open(
            store: store,
            executors: executors,
            logs: MemoryLogStore(),
            artefacts: MemoryArtefactStore(),
            configuration: configuration,
            clock: clock,
            random: SeededRandomSource(seed: 7),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        running = Task { [engine, ended] in
            defer { ended.open() }
            try await engine.run()
        }
    }

    /// Begins an orderly stop.
    func beginStop() { running.cancel() }

    /// Stops in order and waits for the end; what the drain waits for in vain is over at once, because time is the test's.
    func stop() async throws {
        running.cancel()
        while !ended.isOpen {
            clock.advance(by: 1_000_000)
            await Task.yield()
        }
        try await running.value
    }

    /// Runs a body with an engine and stops it whatever happens.
    static func with(
        _ executors: [any JobExecutor],
        _ configuration: EngineConfiguration = EngineConfiguration(),
        store: FailingStore = FailingStore(),
        _ body: (Bench) async throws -> Void
    ) async throws {
        let bench = try await Bench(executors, configuration, store: store)
        do {
            try await body(bench)
        } catch {
            try? await bench.stop()
            throw error
        }
        try await bench.stop()
    }

    func submit(_ job: Job) async throws -> ExecutionID { try await engine.submit(Submission(job)).id }

    func execution(_ id: ExecutionID) async throws -> Execution {
        guard let execution = try await store.execution(id) else { throw SpindleError(.notFound, "\(id)") }
        return execution
    }
}

extension Job {
    /// An inline job of a test.
    static func of(
        _ type: String? = "script",
        target: String = "t",
        retries: Int32 = 0,
        timeout: Int64? = nil,
        key: String? = nil,
        priority: Int32 = 0
    ) -> Job {
        var policy = PolicyOverrides(maxRetries: retries, timeout: timeout)
        policy.jitterPermille = 0
        let id = JobID(UUIDv7(milliseconds: 1, random: (SystemRandomSource().next(), SystemRandomSource().next())))
        return Job(id: id, executorType: type, target: target, policy: policy, concurrencyKey: key, priority: priority)
    }
}

extension ScriptedExecutor {
    /// An executor of type `script` that leaves its attempts to the test.
    static func manual(_ type: String = "script", concurrency: Int32? = nil) -> ScriptedExecutor {
        ScriptedExecutor(ExecutorDescriptor(type: type, concurrency: concurrency))
    }

    /// An executor that succeeds at once.
    static func quick(_ type: String = "script", prefixes: [String] = []) -> ScriptedExecutor {
        ScriptedExecutor(ExecutorDescriptor(type: type, targetPrefixes: prefixes)) { .success($0.target) }
    }
}
