import SpindleCore
import SpindleEngine
import SpindleServer
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Runs what the target says: `ok`, `echo`, `fail`, `flaky`, `hold`, `log`, `file`.
final class ScriptedExecutor: JobExecutor {
    let executorType = "script"
    /// What `hold` and `log` wait for.
    let gate = Gate()
    /// Open once a `hold` or `log` runs.
    let started = Gate()

    func execute(_ context: ExecutionContext) async -> ExecutionResult {
        switch context.jobType {
        case "ok": return .success("done")
        case "echo": return .success(context.parameters.entries.map { "\($0.name)=\($0.value)" }.joined(separator: "&"))
        case "odd": return ExecutionResult(class: .success, output: Payload([0xFF, 0], contentType: "a\r\nx-evil: 1"))
        case "fail": return ExecutionResult(class: .permanent, errorCode: "test.no", errorMessage: "It cannot be done.")
        case "flaky": return context.attemptNumber == 1 ? .retryable("not yet") : .success()
        case "log":
            for number in 1...3 { context.log(.info, "line \(number)", [("n", "\(number)")]) }
            started.open()
            await gate.wait()
            context.log(.warning, "the last line")
            return .success()
        default:
            context.cancellation.onCancel { [gate] _ in gate.open() }
            started.open()
            await gate.wait()
            return context.cancellation.isCancelled ? ExecutionResult(class: .cancelled) : .success()
        }
    }
}

/// A store in memory whose next calls can be made to fail.
final class FaultyStore: JobStore, JobReader {
    private let memory = MemoryJobStore()
    private let fault = Mutex<SpindleError?>(nil)

    func fail(with error: SpindleError?) { fault.withLock { $0 = error } }

    private func check() throws {
        if let error = fault.withLock({ $0 }) { throw error }
    }

    func apply(_ batch: [StoreCommand]) async throws -> [StoreOutcome] {
        try check()
        return try await memory.apply(batch)
    }
    func execution(_ id: ExecutionID) async throws -> Execution? {
        try check()
        return try await memory.execution(id)
    }
    func executions(matching digits: String) async throws -> [ExecutionID] { try await memory.executions(matching: digits) }
    func executions(_ filter: ExecutionFilter, limit: Int, before: ExecutionID?) async throws -> [Execution] {
        try check()
        return try await memory.executions(filter, limit: limit, before: before)
    }
    func attempts(of id: ExecutionID) async throws -> [Attempt] { try await memory.attempts(of: id) }
    func payload(of id: ExecutionID) async throws -> Payload? { try await memory.payload(of: id) }
    func output(of id: ExecutionID) async throws -> Payload? { try await memory.output(of: id) }
    func dependencies(of id: ExecutionID) async throws -> [Dependency] { try await memory.dependencies(of: id) }
    func jobs() async throws -> [Job] { try await memory.jobs() }
    func job(named name: String) async throws -> Job? { try await memory.job(named: name) }
    func stateCounts() async throws -> [ExecutionState: Int64] { try await memory.stateCounts() }
    func readyTypes() async throws -> [(type: String, rank: Int64)] { try await memory.readyTypes() }
    func nextDue() async throws -> Timestamp? { try await memory.nextDue() }
}

/// One plugin that works and one that was refused.
struct TwoPlugins: PluginDirectoryView {
    private let all = [
        PluginSummary(name: "good", file: "good.so", state: "loaded", types: ["script"]),
        PluginSummary(name: "bad", file: "bad.so", state: "refused", reason: "It is not an ELF file."),
    ]

    func listings() async -> [PluginSummary] { all }
    func reload() async throws -> [PluginSummary] { all }
    func inspect(_ name: String) async -> PluginDetails? {
        all.first { $0.name == name }.map { PluginDetails(summary: $0, details: ["pid": 7]) }
    }
    func release(_ name: String) async throws -> PluginSummary { try await NoPlugins().release(name) }
}

/// A directory that is removed when it is no longer needed; short, because the paths of sockets are.
func withDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    var template = Array("/tmp/spindle-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SpindleError(.internal, "no directory") }
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer {
        unlink("\(path)/s.sock")
        rmdir("\(path)/new")
        rmdir(path)
    }
    return try await body(path)
}

/// A host that listens at a socket in a directory of its own.
struct TestHost: Sendable {
    let engine: JobExecutionEngine
    let executor: ScriptedExecutor
    let store: FaultyStore
    let artefacts: MemoryArtefactStore
    let client: SocketClient
    /// Opening it shuts the server down gracefully.
    let stop: Gate
    /// Opening it shuts the engine down.
    let drain: Gate

    /// Runs a host around `body`.
    static func run(_ body: @escaping @Sendable (TestHost) async throws -> Void) async throws {
        try await withDirectory { directory in
            let host = try await make(path: "\(directory)/s.sock")
            let listening = Gate()
            var settings = ServerSettings(address: .unixSocket(host.client.path), version: "1.2.3")
            // A slow machine must not cut off what ends by itself.
            settings.patience = 600_000_000
            let server = SpindleServer(
                engine: host.engine,
                plugins: TwoPlugins(),
                settings: settings,
                onListening: { listening.open() }
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                let work = Task { try await host.engine.run() }
                group.addTask {
                    await host.drain.wait()
                    work.cancel()
                    try await work.value
                }
                group.addTask {
                    defer { listening.open() }
                    try await server.run(untilStopped: { await host.stop.wait() })
                }
                group.addTask {
                    defer {
                        host.store.fail(with: nil)
                        host.executor.gate.open()
                        host.stop.open()
                        host.drain.open()
                    }
                    await listening.wait()
                    try await body(host)
                }
                for try await _ in group {}
            }
        }
    }

    private static func make(path: String) async throws -> TestHost {
        let executor = ScriptedExecutor()
        let store = FaultyStore()
        let artefacts = MemoryArtefactStore()
        var configuration = EngineConfiguration()
        configuration.defaultPolicy.retry.baseDelay = 1000
        let engine = try await JobExecutionEngine.open(
            store: store,
            executors: [executor],
            logs: MemoryLogStore(),
            artefacts: artefacts,
            configuration: configuration
        )
        return TestHost(
            engine: engine,
            executor: executor,
            store: store,
            artefacts: artefacts,
            client: SocketClient(path: path),
            stop: Gate(),
            drain: Gate()
        )
    }

    /// Sends text as the body.
    func post(_ path: String, _ text: String, headers: [(String, String)] = []) async throws -> SocketResponse {
        try await client.request("POST", path, headers: headers, body: Array(text.utf8))
    }

    /// Submits a job with this target.
    func submit(_ target: String, _ more: String = "", wait: Bool = false) async throws -> ReceiptBody {
        try await post("/v1/executions\(wait ? "?wait=60s" : "")", #"{"type":"script","target":"\#(target)"\#(more)}"#)
            .success(ReceiptBody.self)
    }

    func get(_ path: String) async throws -> SocketResponse { try await client.request("GET", path) }
}
