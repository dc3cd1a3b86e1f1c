import FoundationEssentials
import Glibc
import Logging
import Spindle
import SpindleCore
import SpindleEngine
import SpindleServer
import Synchronization
import Testing

/// The six runtime checks that the original system had left open, on the real program, a real HTTP server and the real plugins.
///
/// `OriginalChecks` in `SpindleEngineTests` has the same six in virtual time, to the microsecond.
@Suite("The original's six runtime checks", .timeLimit(.minutes(5)))
struct RuntimeCheckTests {
    /// An execution with its attempts, as `executions show --json` prints it.
    private struct Shown: Decodable {
        let execution: ExecutionBody
        let attempts: [AttemptBody]
    }

    private func sandbox() async throws -> Sandbox {
        let sandbox = try Sandbox()
        for name in ["http", "script"] { try await sandbox.addPlugin(name) }
        return sandbox
    }

    private func show(_ id: String, _ sandbox: Sandbox) async throws -> Shown {
        let shown = try await sandbox.run("executions", "show", id, "--json")
        try #require(shown.status == 0, "\(shown.errors)")
        return try JSONDecoder().decode(Shown.self, from: Data(shown.output.utf8))
    }

    private func onlyExecution(_ sandbox: Sandbox) async throws -> Shown {
        let list = try await sandbox.run("executions", "list", "--json")
        let page = try JSONDecoder().decode(ExecutionPageBody.self, from: Data(list.output.utf8))
        try #require(page.executions.count == 1)
        return try await show(page.executions[0].id, sandbox)
    }

    private func stop(_ host: Command) async {
        host.send(SIGTERM)
        #expect(await host.outcome.status == 0)
    }

    @Test("build: program, worker and plugins are there and fit together")
    func build() async throws {
        let sandbox = try await sandbox()
        let version = try await sandbox.run("--version")
        #expect(version.output == "\(SpindleVersion.text)\n")
        #expect(access("\(Command.products)/spindle-worker", X_OK) == 0)
        let list = try await sandbox.run("plugins", "list", "--json")
        let plugins = try JSONDecoder().decode(PluginListBody.self, from: Data(list.output.utf8)).plugins
        #expect(plugins.map(\.name) == ["http", "script"])
        #expect(plugins.allSatisfy { $0.state == "serving" && $0.isolation == "worker" }, "\(plugins)")
    }

    @Test("internal job execution: found by name, made fresh with its services, parameters in, result out")
    func internalJobExecution() async throws {
        let sandbox = try Sandbox()
        var configuration = HostConfiguration()
        configuration.state = "\(sandbox.path)/state"
        let host = try await Host(configuration, environment: [:], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let made = Mutex(0)
        host.register(Greeting.self, services: "Good morning") { salutation in
            made.withLock { $0 += 1 }
            return Greeting(salutation: salutation)
        }
        let running = Task { try await host.run() }
        for name in ["Ada", "Grace"] {
            let job = Job(id: JobID(.now()), executorType: "Internal", target: "Greeting", parameters: ["name": name])
            #expect(try await host.engine.execute(Submission(job)).resultData == "Good morning, \(name)!")
        }
        #expect(made.withLock { $0 } == 2)
        let unknown = try await host.engine.executeToEnd(
            Submission(Job(id: JobID(.now()), executorType: "internal", target: "System.IO.File"))
        )
        #expect(unknown.state == .failed && unknown.result?.errorCode == "spindle.unknown-job")
        running.cancel()
        try await running.value
    }

    @Test("HTTP job execution: each method, headers and body reach a real server, the answer comes back")
    func httpJobExecution() async throws {
        let sandbox = try await sandbox()
        let server = try ExampleServer { request, _ in
            .init(status: request.path == "/missing" ? 404 : 200, body: "\(request.method) \(request.body)")
        }
        defer { server.stop() }
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let body = method == "GET" ? "" : "{\"method\": \"\(method)\"}"
            let more = body.isEmpty ? [] : ["-p", "Body=\(body)", "-p", "ContentType=application/vnd.example+json"]
            let arguments = ["run", "\(server.url)/orders", "-p", "Method=\(method)", "-p", "Header_X-Customer=42"] + more
            let ran = try await Command(arguments, environment: sandbox.environment, directory: sandbox.path).outcome
            #expect(ran.status == 0, "\(ran.errors)")
            #expect(ran.output == "\(method) \(body)")
            let request = try #require(server.requests.last)
            #expect(request.method == method && request.path == "/orders" && request.body == body)
            #expect(request.headers["x-customer"] == "42")
            #expect(request.headers["content-type"] == (body.isEmpty ? nil : "application/vnd.example+json"))
        }
        let missing = try await sandbox.run("run", "\(server.url)/missing")
        #expect(missing.status == 1)
        #expect(missing.errors.contains("http.status.404"))
        #expect(server.requests.count == 6, "a 404 is permanent")
    }

    @Test("retry logic: tried again after waits that double, until it works")
    func retryLogic() async throws {
        let sandbox = try await sandbox()
        let calls = Atomic(0)
        let server = try ExampleServer { _, _ in
            calls.wrappingAdd(1, ordering: .relaxed).newValue <= 3 ? .init(status: 503) : .init(body: "works now")
        }
        defer { server.stop() }
        let host = try await sandbox.serve()
        let ran = try await sandbox.run("submit", "\(server.url)/flaky", "--retries", "5", "--retry-delay", "40ms", "--wait")
        #expect(ran.status == 0, "\(ran.errors)")
        #expect(ran.output == "works now")
        let shown = try await onlyExecution(sandbox)
        #expect(shown.execution.failures == 3)
        #expect(shown.attempts.map(\.outcome) == ["failed", "failed", "failed", "succeeded"])
        #expect(shown.attempts.dropLast().allSatisfy { $0.error?.code == "http.status.503" })
        let times = try shown.attempts.map { try ($0, #require($0.startedAt).timestamp, #require($0.finishedAt).timestamp) }
        for (index, least) in [40, 80, 160].enumerated() {
            // Times are shown in milliseconds: each end may have lost almost one.
            let waited = times[index + 1].1.milliseconds - times[index].2.milliseconds
            #expect(waited >= Int64(least) - 1, "wait \(index + 1) was \(waited) ms")
        }
        await stop(host)
    }

    @Test("timeout handling: the attempt ends at its limit, its transfer is broken off, the status is 124")
    func timeoutHandling() async throws {
        let sandbox = try await sandbox()
        let left = AsyncStream<Void>.makeStream()
        let server = try ExampleServer { _, connection in
            ExampleServer.waitForEnd(of: connection)
            left.continuation.yield()
            return .init()
        }
        defer { server.stop() }
        let host = try await sandbox.serve()
        // A slow machine may need longer than the limit only to reach the server: then the limit grows.
        var limit = 300
        var ended = ""
        repeat {
            let ran = try await sandbox.run(
                "submit",
                "\(server.url)/never",
                "--retries",
                "0",
                "--timeout",
                "\(limit)ms",
                "--wait",
                "--json"
            )
            #expect(ran.status == 124, "\(ran.errors)")
            ended = try JSONDecoder().decode(ExecutionBody.self, from: Data(ran.output.utf8)).id
            limit *= 4
        } while server.requests.isEmpty
        for await _ in left.stream { break }
        let shown = try await show(ended, sandbox)
        #expect(shown.execution.lastOutcome == "timedOut")
        #expect(shown.attempts.map { $0.error?.code } == ["spindle.timeout"])
        await stop(host)
    }

    @Test("concurrency limiting: no more than the limit at the server, and every slot is used again")
    func concurrencyLimiting() async throws {
        let sandbox = try await sandbox()
        let (limit, count) = (3, 12)
        let arrivals = AsyncStream<Void>.makeStream()
        let release = Turnstile()
        let atOnce = Mutex((now: 0, most: 0))
        let server = try ExampleServer { _, _ in
            atOnce.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
            arrivals.continuation.yield()
            release.pass()
            atOnce.withLock { $0.now -= 1 }
            return .init()
        }
        defer { server.stop() }
        let host = try sandbox.start("serve", "--set", "executionEngine.maxConcurrentJobs=\(limit)")
        #expect(await host.line(containing: "listening at") != nil)
        var ids: [String] = []
        for _ in 0..<count {
            let submitted = try await sandbox.run("submit", "\(server.url)/held", "--timeout", "10m", "--json")
            ids.append(try JSONDecoder().decode(ReceiptBody.self, from: Data(submitted.output.utf8)).id)
        }
        var arrived = arrivals.stream.makeAsyncIterator()
        for _ in 0..<limit { await arrived.next() }
        // All are accepted, three have arrived: the others wait for a slot.
        let list = try await sandbox.run("executions", "list", "--execution-state", "running", "--json")
        let running = try JSONDecoder().decode(ExecutionPageBody.self, from: Data(list.output.utf8)).executions.count
        #expect(running >= limit)
        #expect(atOnce.withLock { $0.now } == limit)
        for step in 0..<count {
            release.open()
            if step < count - limit { await arrived.next() }
        }
        for id in ids {
            let waited = try await sandbox.run("executions", "logs", "-f", id)
            #expect(waited.status == 0)
            #expect(try await show(id, sandbox).execution.state.state == .succeeded)
        }
        #expect(atOnce.withLock { $0.most } == limit)
        #expect(server.requests.count == count)
        await stop(host)
    }
}

/// Lets as many threads pass as it was opened times.
///
/// @unchecked Sendable: a semaphore is made for many threads, and its place never changes.
private final class Turnstile: @unchecked Sendable {
    private let waiting = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(waiting, 0, 0) }

    deinit {
        sem_destroy(waiting)
        waiting.deallocate()
    }

    func open() { sem_post(waiting) }
    func pass() { while sem_wait(waiting) < 0 && errno == EINTR {} }
}
