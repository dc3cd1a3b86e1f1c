import Glibc
import Logging
import SpindleCore
import SpindleEngine

/// Runs one scenario on an engine of its own.
struct BenchRun {
    let scenario: BenchScenario
    let store: ScratchStore
    let executor: any BatchExecutor
    let retention: Retention
    /// Executions that may be under way before submitters wait: bounds memory, far above what keeps every slot busy.
    private static let maxUnderWay = 4_096

    /// Runs it.
    ///
    /// - Parameter executor: Its type is what is submitted.
    func run() async throws -> BenchFigures {
        let clock = SystemAlarmClock()
        let table = BenchClockTable()
        let measured = MeasuredStore(store.store)
        let commitsBefore = store.commits
        var configuration = EngineConfiguration()
        configuration.maxConcurrentJobs = scenario.slots
        configuration.retention = retention
        let engine = try await JobExecutionEngine.open(
            store: measured,
            executors: [MeasuredExecutor(base: executor, table: table, clock: clock)],
            logs: MemoryLogStore(),
            artefacts: MemoryArtefactStore(),
            configuration: configuration,
            clock: clock,
            logger: Logger(label: "spindle.bench") { _ in SwiftLogNoOpLogHandler() }
        )
        let running = Task { try await engine.run() }
        var figures = BenchFigures(scenario: scenario)
        let cpuBefore = Self.cpuMicroseconds()
        let began = clock.monotonic
        let until = began + Int64(scenario.seconds * 1_000_000)
        let submitted = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<scenario.submitters {
                group.addTask { try await submit(engine, measured, table, clock, until: until) }
            }
            return try await group.reduce(0, +)
        }
        while measured.settled < submitted { await clock.sleep(microseconds: 200) }
        figures.elapsed = Double(clock.monotonic - began) / 1_000_000
        figures.cpuMicroseconds = Self.cpuMicroseconds() - cpuBefore
        figures.executions = submitted
        figures.commands = measured.applied
        figures.commits = store.commits - commitsBefore
        figures.pickUps = table.sorted
        running.cancel()
        try await running.value
        return figures
    }

    private func submit(
        _ engine: JobExecutionEngine,
        _ measured: MeasuredStore,
        _ table: BenchClockTable,
        _ clock: SystemAlarmClock,
        until: Int64
    ) async throws -> Int {
        let job = Job(
            id: JobID(UUIDv7(high: 0, low: 1)),
            executorType: executor.executorType,
            target: "noop",
            payload: Payload([UInt8](repeating: 0x61, count: scenario.payload), contentType: "text/plain")
        )
        var submitted = 0
        while clock.monotonic < until {
            let now = clock.monotonic
            let wall = clock.now
            if scenario.isOneInFlight {
                _ = try await engine.execute(Submission(job, id: table.id(now: now, wall: wall)))
                submitted += 1
                continue
            }
            let batch = (0..<scenario.batch).map { _ in Submission(job, id: table.id(now: now, wall: wall)) }
            for answer in try await engine.submit(batch) { _ = try answer.get() }
            submitted += batch.count
            while submitted * scenario.submitters - measured.settled > Self.maxUnderWay {
                await clock.sleep(microseconds: 500)
            }
        }
        return submitted
    }

    /// CPU time so far, all threads, in microseconds.
    ///
    /// - Parameter who: This process, or its children that have ended with all that they reaped themselves.
    static func cpuMicroseconds(_ who: __rusage_who = RUSAGE_SELF) -> Int64 {
        var usage = rusage()
        getrusage(__rusage_who_t(who.rawValue), &usage)
        return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Int64($1.tv_sec) * 1_000_000 + Int64($1.tv_usec) }
    }
}
