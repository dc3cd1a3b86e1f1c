import ArgumentParser
import Glibc
import Spindle
import SpindleCore
import SpindleEngine
import SpindlePlugins

/// Measures this machine.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures durable executions a second, pick-up times, costs of a call and timeouts on this machine.",
        discussion: """
            Three rows a level: as asked for, with the default 10 slots, and one execution at a time. `engine` is a no-op without a \
            plugin; `in-process` and `worker` run the plugin bench, which must lie in the plugin directory. Stores are made in TMPDIR \
            with the durability of a host's own, and removed again.
            """
    )

    @Option(name: .long, help: "Attempts at once.") var slots = "64"
    @Option(name: .long, help: "Tasks that submit.") var submitters = "4"
    @Option(name: .long, help: "Executions in a submission; 1 to 1000.") var batch = "256"
    @Option(name: .long, help: "Payload bytes of an execution.") var payload = "256"
    @Option(name: .long, help: "Seconds for each row; the rows with one execution at a time take at most 10.") var seconds = "10"
    @Option(
        name: .long,
        help: "engine, in-process or worker; may be repeated. Default: engine, and the others if the plugin is there."
    )
    var level: [String] = []
    @Option(
        name: .customLong("vs"),
        help: """
            A command that measures another job system and ends with a line "PEER NAME jobs_per_s=N p50_ms=N p99_ms=N"; it and the \
            first level are run by turns. May be repeated.
            """
    )
    var peers: [String] = []
    @Option(name: .long, help: "Rounds of each --vs.") var rounds = "3"
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let configuration = try global.load().configuration
        let base = try scenario()
        let rounds = Int(try Checked.integer(rounds, "--rounds", 1...100) ?? 3)
        let levels = try levels(configuration)
        var report = BenchReport()
        for level in levels {
            for scenario in BenchScenario.standard(level, like: base) {
                report.executions.append(.init(try await measure(scenario, configuration)))
            }
        }
        if levels.contains(where: { $0 != .engine }) { try await measureCosts(levels, configuration, &report) }
        for peer in peers {
            report.comparisons.append(try await compare(PeerRun(command: peer), base, levels[0], rounds, configuration))
        }
        if global.json { try JSONText.print(report) } else { report.print() }
    }

    private func scenario() throws -> BenchScenario {
        BenchScenario(
            level: .engine,
            slots: try Checked.integer(slots, "--slots", Limits.slots) ?? 64,
            submitters: Int(try Checked.integer(submitters, "--submitters", 1...64) ?? 4),
            batch: Int(try Checked.integer(batch, "--batch", 1...1000) ?? 256),
            payload: Int(try Checked.integer(payload, "--payload", 0...1_048_576) ?? 256),
            seconds: Double(try Checked.integer(seconds, "--seconds", 1...3600) ?? 10)
        )
    }

    private func levels(_ configuration: HostConfiguration) throws -> [BenchScenario.Level] {
        guard level.isEmpty else {
            return try level.map { text in
                guard let level = BenchScenario.Level(rawValue: text) else {
                    throw SpindleError(.invalidRequest, "--level \(text): one of engine, in-process, worker is wanted.")
                }
                return level
            }
        }
        do {
            _ = try BenchPlugin.file(configuration)
            return BenchScenario.Level.allCases
        } catch {
            Terminal.error("spindle: only the engine is measured: \(errorSentence(error))")
            return [.engine]
        }
    }

    private func measure(_ scenario: BenchScenario, _ configuration: HostConfiguration) async throws -> BenchFigures {
        let scratch = try ScratchStore(inMemory: configuration.store == .memory)
        defer { scratch.remove() }
        let retention = configuration.engine.retention
        func run(_ executor: any BatchExecutor) async throws -> BenchFigures {
            try await BenchRun(scenario: scenario, store: scratch, executor: executor, retention: retention).run()
        }
        var figures: BenchFigures
        if scenario.level == .engine {
            figures = try await run(NoOpExecutor())
        } else {
            let plugin = try BenchPlugin(level: scenario.level, slots: scenario.slots, configuration)
            let (value, workerCPU) = try await plugin.with("bench.async") { try await run($0) }
            figures = value
            figures.cpuMicroseconds += workerCPU
        }
        Terminal.progress("")
        Terminal.error("\(scenario.level.rawValue), \(scenario.slots) slots: \(figures.executions) executions")
        return figures
    }

    private func measureCosts(
        _ levels: [BenchScenario.Level],
        _ configuration: HostConfiguration,
        _ report: inout BenchReport
    ) async throws {
        report.calls = .init(
            try await CallCosts.measure(
                file: try BenchPlugin.file(configuration),
                type: "bench.serial",
                calls: 20_000,
                configuration: try BenchPlugin.hostConfiguration(nil, configuration)
            )
        )
        let processors = Int32(clamping: sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        for level in levels where level != .engine {
            let late = try await TimeoutAccuracy.measure(level, processors: processors, configuration)
            report.timeouts.append(
                .init(level: level.rawValue, atOnce: 4 * processors, lateMilliseconds: Quantiles(late, unit: 1000))
            )
        }
    }

    private func compare(
        _ peer: PeerRun,
        _ base: BenchScenario,
        _ level: BenchScenario.Level,
        _ rounds: Int,
        _ configuration: HostConfiguration
    ) async throws -> Comparison {
        let scenarios = BenchScenario.standard(level, like: base)
        guard let full = scenarios.first, var single = scenarios.last else { preconditionFailure("a level has its rows") }
        single.seconds = min(single.seconds, 2)
        var theirs: [PeerRun.Figures] = []
        var rates: [Double] = []
        var pickUps: [Quantiles] = []
        for _ in 0..<rounds {
            theirs.append(try await peer.run())
            rates.append(try await measure(full, configuration).perSecond)
            pickUps.append(Quantiles(try await measure(single, configuration).pickUps, unit: 1000))
        }
        return Comparison(theirs, full: rates, single: pickUps)
    }
}
