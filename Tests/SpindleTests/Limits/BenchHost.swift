import Glibc
import Logging
import Spindle
import SpindleCore
import SpindleEngine
import SpindlePlugins
import SpindleServer
import Testing

/// A whole host in this process: engine, SQLite store, socket, and the real plugin `bench` as often as a test wants it.
struct BenchHost: Sendable {
    let host: Host
    let client: SocketClient
    let journal: Journal
    let gauges: Gauges
    private let sandbox: Sandbox

    var engine: JobExecutionEngine { host.engine }

    /// Runs a body on a host.
    ///
    /// - Parameters:
    ///   - plugins: Copies of the plugin by their names, each with its sidecar.
    ///   - configure: Changes the configuration.
    static func with<Value: Sendable>(
        _ plugins: [String: String],
        _ configure: (inout HostConfiguration) -> Void,
        _ body: (BenchHost) async throws -> Value
    ) async throws -> Value {
        let sandbox = try Sandbox()
        for (name, sidecar) in plugins {
            try await sandbox.addPlugin("bench", as: name)
            try write(sidecar, to: "\(sandbox.path)/state/plugins/\(name).yaml")
        }
        var configuration = HostConfiguration()
        configuration.state = "\(sandbox.path)/state"
        configuration.workerPath = "\(Command.products)/spindle-worker"
        configuration.engine.drainTimeout = 0
        // These tests crash one plugin again and again, and want to see what becomes of each attempt.
        configuration.quarantineAfter = 0
        configure(&configuration)
        let listening = Gate()
        let host = try await Host(
            configuration,
            environment: sandbox.environment,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            onListening: { listening.open() }
        )
        for listing in host.plugins { try #require(listing.status == .serving, "\(listing)") }
        let bench = BenchHost(
            host: host,
            client: SocketClient(path: host.places.socket),
            journal: try Journal(in: sandbox.path),
            gauges: Gauges(path: "\(sandbox.path)/gauges"),
            sandbox: sandbox
        )
        let running = Task {
            defer { listening.open() }
            try await host.run()
        }
        await listening.wait()
        do {
            let value = try await body(bench)
            running.cancel()
            try await running.value
            return value
        } catch {
            running.cancel()
            try? await running.value
            throw error
        }
    }

    private static func write(_ text: String, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        try #require(Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count)
    }

    func hold(_ name: String) throws -> Hold { try Hold(name, in: sandbox.path) }

    // MARK: Executions

    /// A job whose attempts write the journal, with one try unless something else is set.
    func job(_ type: String, _ target: String, _ parameters: [String: String] = [:], timeout: Int64? = nil) -> Job {
        var parameters = Parameters(parameters)
        parameters["journal"] = journal.path
        return Job(
            id: JobID(UUIDv7(high: 7 << 12, low: 1)),
            executorType: type,
            target: target,
            parameters: parameters,
            policy: PolicyOverrides(maxRetries: 0, timeout: timeout)
        )
    }

    func submit(_ jobs: [Job]) async throws -> [ExecutionID] {
        try await engine.submit(jobs.map { Submission($0) }).map { try $0.get().id }
    }

    func ends(of ids: [ExecutionID]) async throws -> [ExecutionEnd] {
        var ends: [ExecutionEnd] = []
        for id in ids { ends.append(try await engine.wait(for: id)) }
        return ends
    }

    /// Submits and waits for success.
    func succeed(_ jobs: [Job]) async throws {
        for end in try await ends(of: submit(jobs)) { #expect(end.state == .succeeded, "\(end)") }
    }

    // MARK: Over the socket

    /// Has an execution run that must succeed, and asks how the host does.
    func useTheAPI(type: String) async throws -> StatusBody {
        let body = SubmissionBody(type: type, target: "noop")
        let answer = try await client.request("POST", "/v1/executions?wait=10m", json: body).success(ReceiptBody.self)
        #expect(answer.execution?.state.state == .succeeded)
        return try await client.request("GET", "/v1/status").success(StatusBody.self)
    }

    /// What the host says of a plugin.
    func pluginState(_ name: String) async throws -> String? {
        let list = try await client.request("GET", "/v1/plugins").success(PluginListBody.self)
        return list.plugins.first { $0.name == name }?.state
    }
}
