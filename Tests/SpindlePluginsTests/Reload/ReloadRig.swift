import FoundationEssentials
import Glibc
import Logging
import SpindleCore
import SpindleEngine
import Synchronization
import TestSupport
import Testing

@testable import SpindlePlugins

/// An engine over a plugin directory that it watches.
struct ReloadRig: Sendable {
    let workspace: Workspace
    let plugins: PluginHost
    let engine: JobExecutionEngine
    let executions: MemoryJobStore

    static func with(
        _ workspace: Workspace,
        settings: ReloadSettings = ReloadSettings(),
        pool: WorkerPoolSettings = WorkerPoolSettings(),
        register others: [any JobExecutor] = [],
        submittingTo taker: (JobExecutionEngine) -> any SubmissionTaker = { $0 },
        _ body: (ReloadRig) async throws -> Void
    ) async throws {
        var configuration = PluginHostConfiguration(
            directory: workspace.plugins,
            stateDirectory: workspace.state,
            workerPath: Workspace.worker,
            probeTimeout: 60_000_000,
            reload: settings,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        configuration.reload.quiet = 20_000
        configuration.pool = pool
        let plugins = try PluginHost(configuration: configuration)
        try await plugins.load()
        let store = MemoryJobStore()
        let engine = try await JobExecutionEngine.open(
            store: store,
            executors: plugins.executors,
            logs: MemoryLogStore(),
            artefacts: MemoryArtefactStore(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        for executor in others { engine.register(executor) }
        let running = Task { try await engine.run() }
        let taker = taker(engine)
        let watching = Task { await plugins.run(serving: engine, submittingTo: taker) }
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(ReloadRig(workspace: workspace, plugins: plugins, engine: engine, executions: store)))
        } catch {
            result = .failure(error)
        }
        running.cancel()
        try? await running.value
        watching.cancel()
        await watching.value
        try result.get()
    }

    // MARK: Files

    /// Every version is compiled once for all tests.
    private static let compiled = Mutex<[String: Workspace]>([:])

    /// What is wrong with a version; see `Fixtures/version.c`.
    enum Fault: Int { case none, factory, create, fail, crash, slow, check }

    /// Puts a version of the plugin in its place as a careful operator does: written beside it, then renamed.
    static func put(
        _ version: Int,
        _ fault: Fault = .none,
        type: String = "version",
        as name: String = "version",
        into workspace: Workspace
    ) throws {
        let key = "\(version)-\(fault.rawValue)-\(type)"
        let made = try compiled.withLock { compiled in
            if let known = compiled[key] { return known }
            let made = try Workspace()
            let defines = ["-DVERSION=\(version)", "-DBREAK=\(fault.rawValue)", "-DTYPE=\"\(type)\""]
            try made.compile("version", as: "version", flags: defines)
            compiled[key] = made
            return made
        }
        let target = "\(workspace.plugins)/\(name).so"
        let temporary = "\(workspace.plugins)/.\(name).\(version)"
        try? FileManager.default.removeItem(atPath: temporary)
        try FileManager.default.copyItem(atPath: "\(made.plugins)/version.so", toPath: temporary)
        try #require(chmod(temporary, 0o644) == 0)
        try #require(rename(temporary, target) == 0)
    }

    func put(_ version: Int, _ fault: Fault = .none, type: String = "version", as name: String = "version") throws {
        try Self.put(version, fault, type: type, as: name, into: workspace)
    }

    // MARK: Executions

    func submit(
        _ target: String = "say",
        type: String = "version",
        _ parameters: [String: String] = [:]
    ) async throws -> ExecutionID {
        let job = Job(
            id: JobID(UUIDv7(high: 7 << 12, low: 1)),
            executorType: type,
            target: target,
            parameters: Parameters(parameters),
            policy: PolicyOverrides(maxRetries: 0, timeout: 600_000_000)
        )
        return try await engine.submit(Submission(job)).id
    }

    /// Which version ran it; nil if it did not succeed.
    func version(_ id: ExecutionID) async throws -> String? {
        let end = try await engine.wait(for: id)
        guard end.state == .succeeded else { return nil }
        return end.result?.output.map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    /// The process of the worker that ran it.
    func process(_ id: ExecutionID) async throws -> pid_t {
        let ranOn = try #require(try await engine.reader.attempts(of: id).last?.ranOn)
        return try #require(ranOn.split(separator: " ").last.flatMap { pid_t($0) })
    }

    /// Waits for an execution to have said that it waits.
    func waitUntilWaiting(_ id: ExecutionID) async throws {
        for await record in try await engine.logs.follow(id) where record.line.message == "waiting" { return }
    }

    // MARK: Triggers

    /// The only trigger of a plugin.
    func trigger(_ name: String = "ticker") -> PluginTrigger? {
        plugins.state.withLock { $0.generations["\(name).so"]?.triggers.first }
    }

    // MARK: The directory

    /// How a file is listed now.
    func listing(_ name: String = "version") -> PluginListing? { plugins.listings.first { $0.file == "\(name).so" } }

    /// Looks at the directory now, and says how the file is listed after that.
    func reload(_ name: String = "version") async throws -> PluginListing? {
        try await plugins.reload().first { $0.file == "\(name).so" }
    }

    /// Waits until a process has ended.
    func end(of process: pid_t) async {
        // What cannot be watched any more has ended.
        if let watched = try? WatchedProcess(process) { await watched.end() }
    }
}
