import ArgumentParser
import Glibc
import Spindle
import SpindleCore
import SpindleEngine
import SpindlePlugins
import SpindleSQLite

/// Measures this machine.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures durable executions a second, pick-up times and CPU on this machine.",
        discussion: """
            Three rows a level: as asked for, with the default 10 slots, and one execution at a time. `engine` is a no-op without a \
            plugin; `in-process` and `worker` run the plugin bench, which must lie in the plugin directory.
            """
    )

    @Option(name: .long, help: "Attempts at once.") var slots = "64"
    @Option(name: .long, help: "Tasks that submit.") var submitters = "4"
    @Option(name: .long, help: "Executions in a submission; 1 to 1000.") var batch = "256"
    @Option(name: .customLong("payload-bytes"), help: "Payload bytes of an execution.") var payload = "256"
    @Option(name: .long, help: "Seconds for each row.") var seconds = "10"
    @Option(name: .long, help: "engine, in-process or worker; may be repeated. Default: engine.") var level: [String] = []
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let levels =
            try level.isEmpty
            ? [BenchScenario.Level.engine]
            : level.map { text in
                guard let level = BenchScenario.Level(rawValue: text) else {
                    throw SpindleError(.invalidRequest, "--level \(text): one of engine, in-process, worker is wanted.")
                }
                return level
            }
        let base = BenchScenario(
            level: .engine,
            slots: try Checked.integer(slots, "--slots", Limits.slots) ?? 64,
            submitters: Int(try Checked.integer(submitters, "--submitters", 1...64) ?? 4),
            batch: Int(try Checked.integer(batch, "--batch", 1...1000) ?? 256),
            payload: Int(try Checked.integer(payload, "--payload-bytes", 0...1_048_576) ?? 256),
            seconds: Double(try Checked.integer(seconds, "--seconds", 1...3600) ?? 10)
        )
        let configuration = try global.load().configuration
        var table = BenchReport.table
        for level in levels {
            for scenario in BenchScenario.standard(level, like: base) {
                let figures = try await measure(scenario, configuration)
                Terminal.error(BenchReport.line(figures))
                BenchReport.add(figures, to: &table)
            }
        }
        Terminal.print(table)
    }

    private func measure(_ scenario: BenchScenario, _ configuration: HostConfiguration) async throws -> BenchFigures {
        let scratch = try ScratchStore(inMemory: configuration.store == .memory)
        defer { scratch.remove() }
        guard scenario.level != .engine else {
            return try await BenchRun(
                scenario: scenario,
                store: scratch.store,
                executor: NoOpExecutor(),
                retention: configuration.engine.retention
            ).run()
        }
        let plugins = try BenchPlugin(level: scenario.level, slots: scenario.slots, configuration)
        return try await plugins.with { executor in
            try await BenchRun(
                scenario: scenario,
                store: scratch.store,
                executor: executor,
                retention: configuration.engine.retention
            ).run()
        }
    }
}

/// A store for one row of the benchmark, on the disk of the state directory.
private struct ScratchStore {
    let store: any JobStore & JobReader
    private let directory: String
    private let sqlite: SQLiteJobStore?

    init(inMemory: Bool) throws {
        let parent = Host.environment["TMPDIR"] ?? "/tmp"
        var template = Array("\(parent)/spindle-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw SpindleError(.configuration, "No directory for temporary files can be written; set TMPDIR to one.")
        }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        sqlite = inMemory ? nil : try SQLiteJobStore.open(path: "\(directory)/bench.sqlite", logger: .quiet)
        store = sqlite ?? MemoryJobStore()
    }

    func remove() {
        do {
            try sqlite?.close()
        } catch {
            Terminal.error("spindle: the store of the benchmark was not closed in order: \(errorSentence(error))")
        }
        for suffix in ["", "-wal", "-shm", ".lock", ".ballast"] { unlink("\(directory)/bench.sqlite\(suffix)") }
        rmdir(directory)
    }
}
