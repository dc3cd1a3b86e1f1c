import Glibc
import Logging
import Spindle
import SpindleCore
import SpindleEngine
import Testing

// What stands between `// example: NAME` and `// end` stands on the pages too, word for word: `SwiftExampleTests` compares it.

// example: internal
struct Greeting: ScheduledJob {
    static var jobName: String { "Greeting" }
    let salutation: String

    func run(_ context: ExecutionContext) async throws -> ExecutionResult {
        guard let name = context.parameters["name"] else {
            return .permanent("The parameter \"name\" is missing.", code: "greeting.name")
        }
        context.log(.info, "greeting", [("name", name), ("attempt", "\(context.attemptNumber)")])
        return .success("\(salutation), \(name)!")
    }
}
// end

// example: cancellable
struct Countdown: ScheduledJob {
    static var jobName: String { "Countdown" }

    func run(_ context: ExecutionContext) async throws -> ExecutionResult {
        for step in 1...36_000 {
            context.progress(Double(step) / 36_000, note: "step \(step)")
            // Throws when the end is asked for: by a person, the deadline or the end of the host.
            try await Task.sleep(for: .milliseconds(100))
        }
        return .success()
    }
}
// end

// example: own-executor
struct Doubler: JobExecutor {
    var executorType: String { "double" }

    func execute(_ context: ExecutionContext) async -> ExecutionResult {
        guard let number = Int(context.jobType) else {
            return .permanent("\"\(context.jobType)\" is not a number.", code: "double.number")
        }
        return .success("\(number.multipliedReportingOverflow(by: 2).partialValue)")
    }
}
// end

/// Runs the examples of `Docs/engine.md` for programs that embed the engine.
@Suite("Examples for embedding programs", .timeLimit(.minutes(5)))
struct EngineExamples {
    private let sandbox: Sandbox
    private let directory: String

    init() throws {
        sandbox = try Sandbox()
        directory = "\(sandbox.path)/state"
    }

    /// Ends a host and waits for its end.
    private func end(_ running: Task<Void, any Error>) async throws {
        running.cancel()
        try await running.value
    }

    @Test("a host in a program: internal jobs, stored jobs, policies, an executor of its own, cancel")
    func host() async throws {
        let logger = Logger(label: "example") { _ in SwiftLogNoOpLogHandler() }
        // example: embed-host
        var configuration = HostConfiguration()
        configuration.state = directory
        let host = try await Host(configuration, logger: logger)
        host.register(Greeting.self, services: "Good evening") { Greeting(salutation: $0) }
        host.register(Countdown.self) { Countdown() }
        host.engine.register(Doubler())
        let running = Task { try await host.run() }
        // end
        try await submitInternal(host)
        try await storedJob(host)
        try await policy(host)
        let doubled = try await host.engine.execute(Submission(Job(id: JobID(.now()), executorType: "double", target: "21")))
        #expect(doubled.resultData == "42")
        try await cancel(host)
        try await end(running)
        #expect(access("\(directory)/spindle.db", F_OK) == 0)
    }

    private func submitInternal(_ host: Host) async throws {
        // example: submit-internal
        let job = Job(id: JobID(.now()), executorType: "internal", target: "Greeting", parameters: ["name": "Ada"])
        let result = try await host.engine.execute(Submission(job))
        // result.success == true, result.resultData == "Good evening, Ada!"
        // end
        #expect(result.success)
        #expect(result.resultData == "Good evening, Ada!")
        let failed = try await host.engine.execute(Submission(Job(id: JobID(.now()), executorType: "internal", target: "Greeting")))
        #expect(failed.errorCode == "greeting.name")
        let unknown = try await host.engine.execute(Submission(Job(id: JobID(.now()), executorType: "internal", target: "Greting")))
        #expect(unknown.errorCode == "spindle.unknown-job")
    }

    private func storedJob(_ host: Host) async throws {
        // example: stored-job
        let nightly = Job(id: JobID(.now()), name: "nightly", executorType: "internal", target: "Greeting")
        let stored = try await host.engine.saveJob(nightly)
        let result = try await host.execute(jobID: stored.id, parameters: ["name": "Grace"])
        // end
        #expect(result.resultData == "Good evening, Grace!")
    }

    private func policy(_ host: Host) async throws {
        // example: policy
        var job = Job(id: JobID(.now()), executorType: "internal", target: "Greeting", parameters: ["name": "Alan"])
        job.policy.strategy = .linear  // 2, 4, 6 s …
        job.policy.maxRetries = 5
        job.policy.baseDelay = 2_000_000  // microseconds
        job.policy.timeout = 30_000_000
        job.concurrencyKey = "customer-42"
        job.policy.concurrencyKeyLimit = 2
        job.priority = 10
        let receipt = try await host.submit(Submission(job, uniqueKey: "greet-alan"))
        let end = try await host.wait(for: receipt.id)
        // end
        #expect(end.state == .succeeded)
        let policy = try #require(await host.engine.reader.execution(receipt.id)).policy
        #expect(policy.retry == RetryPolicy(strategy: .linear, maxRetries: 5, baseDelay: 2_000_000))
        #expect(policy.timeout == 30_000_000 && policy.concurrencyKeyLimit == 2)
        #expect((1...3).map { policy.retry.delay(afterFailures: $0) } == [2_000_000, 4_000_000, 6_000_000])
    }

    private func cancel(_ host: Host) async throws {
        // example: cancel
        let countdown = Job(id: JobID(.now()), executorType: "internal", target: "Countdown")
        let receipt = try await host.submit(Submission(countdown))
        try await host.cancel(receipt.id)
        let end = try await host.wait(for: receipt.id)
        // end.state == .cancelled
        // end
        #expect(end.state == .cancelled)
    }

    @Test("an HTTP job of a program, by the real plugin, against a real server")
    func http() async throws {
        let server = try ExampleServer { request, _ in .init(status: request.path == "/orders" ? 201 : 404, body: "order 7") }
        defer { server.stop() }
        let added = try await sandbox.run("plugins", "add", "\(Command.products)/libspindle-plugin-http.so")
        try #require(added.status == 0, "\(added.errors)")
        var configuration = HostConfiguration()
        configuration.state = directory
        let host = try await Host(configuration, logger: Logger(label: "example") { _ in SwiftLogNoOpLogHandler() })
        let running = Task { try await host.run() }
        // example: submit-http
        let order = Job(
            id: JobID(.now()),
            target: "\(server.url)/orders",
            parameters: [
                "Method": "POST", "Header_X-Customer": "42", "ContentType": "application/json", "Body": #"{"id": 7}"#,
            ]
        )
        let receipt = try await host.submit(Submission(order))
        let end = try await host.wait(for: receipt.id)
        // end.state == .succeeded, end.result?.metadata["status"] == "201", end.result?.resultData == the body
        // end
        #expect(end.state == .succeeded)
        #expect(end.result?.metadata["status"] == .string("201"))
        #expect(end.result?.resultData == "order 7")
        let request = try #require(server.requests.first)
        #expect(request.method == "POST" && request.headers["x-customer"] == "42")
        #expect(request.headers["content-type"] == "application/json" && request.body == #"{"id": 7}"#)
        try await self.end(running)
    }

    @Test("the engine alone, over stores in memory")
    func engine() async throws {
        let job = Job(id: JobID(.now()), executorType: "internal", target: "Greeting", parameters: ["name": "Ada"])
        // example: embed-engine
        let internalJobs = InternalJobExecutor()
        internalJobs.register(Greeting.self, services: "Good evening") { Greeting(salutation: $0) }
        let engine = try await JobExecutionEngine.open(
            store: MemoryJobStore(),
            executors: [internalJobs],
            logs: MemoryLogStore(),
            artefacts: MemoryArtefactStore()
        )
        let running = Task { try await engine.run() }
        let receipt = try await engine.submit(Submission(job))
        let end = try await engine.wait(for: receipt.id)
        // end.state == .succeeded
        running.cancel()
        try await running.value
        // end
        #expect(end.state == .succeeded)
        #expect(end.result?.resultData == "Good evening, Ada!")
    }
}
