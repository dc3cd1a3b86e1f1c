import Glibc
import Testing

@Suite("spindle run", .serialized, .timeLimit(.minutes(3)))
struct RunCommandTests {
    @Test("success: output on standard output, status 0, nothing kept")
    func success() async throws {
        let sandbox = try Sandbox()
        try await sandbox.addScriptPlugin()
        let end = try await sandbox.run("run", "--type", "script", "--target", "/bin/echo", "-p", "Arg0=hello")
        #expect(end.status == 0, "\(end.errors)")
        #expect(end.output == "hello\n")
        #expect(access("\(sandbox.path)/state/spindle.db", F_OK) != 0)
    }

    @Test("failure: status 1, and the reason on standard error")
    func failure() async throws {
        let sandbox = try Sandbox()
        try await sandbox.addScriptPlugin()
        let end = try await sandbox.run(
            "run",
            "--type",
            "script",
            "-p",
            "Shell=sh",
            "-p",
            "Script=echo partly; echo why >&2; exit 3",
            "--retries",
            "0"
        )
        #expect(end.status == 1, "\(end.errors)")
        #expect(end.output == "partly\n")
        #expect(end.errors.contains("script.exit.3"))
        #expect(end.errors.contains("failed after 1 attempt"))
    }

    @Test("a failure is retried as often as asked")
    func retried() async throws {
        let sandbox = try Sandbox()
        try await sandbox.addScriptPlugin()
        let script = "echo x >> \(sandbox.path)/tries; [ $(wc -l < \(sandbox.path)/tries) -ge 3 ] && echo done"
        let end = try await sandbox.run(
            "run",
            "--type",
            "script",
            "-p",
            "Shell=sh",
            "-p",
            "Script=\(script)",
            "--retries",
            "5",
            "--retry-delay",
            "1ms",
            "--retry-strategy",
            "fixed",
            "--json"
        )
        #expect(end.status == 0, "\(end.errors)")
        #expect(end.output.contains("\"attempt\" : 3"))
        #expect(end.output.contains("\"text\" : \"done\\n\""), "\(end.output)")
    }

    @Test("timeout: status 124")
    func timeout() async throws {
        let sandbox = try Sandbox()
        try await sandbox.addScriptPlugin()
        let end = try await sandbox.run(
            "run",
            "--type",
            "script",
            "--target",
            "/bin/sleep",
            "-p",
            "Arg0=600",
            "--timeout",
            "200ms",
            "--retries",
            "0"
        )
        #expect(end.status == 124, "\(end.errors)")
    }

    @Test("a signal cancels the execution: Ctrl-C is status 130, SIGTERM 143", arguments: zip([SIGINT, SIGTERM], [130, 143]))
    func interrupted(signal: Int32, status: Int) async throws {
        let sandbox = try Sandbox()
        try await sandbox.addScriptPlugin()
        let begun = try sandbox.makeMeetingPoint()
        let command = try sandbox.start("run", "--type", "script", "-p", "Shell=sh", "-p", "Script=: > \(begun); exec sleep 600")
        await sandbox.meet(begun)
        command.send(signal)
        let end = await command.outcome
        #expect(Int(end.status) == status, "\(end.errors)")
        #expect(end.errors.contains("cancelled"))
    }

    @Test("the log comes on standard error")
    func log() async throws {
        let sandbox = try Sandbox()
        try await sandbox.addScriptPlugin()
        let end = try await sandbox.run("run", "--type", "script", "-p", "Shell=sh", "-p", "Script=echo for the log >&2")
        #expect(end.status == 0, "\(end.errors)")
        #expect(end.errors.contains("for the log"))
    }

    @Test("parameters and payload reach the program")
    func values() async throws {
        let sandbox = try Sandbox()
        try await sandbox.addScriptPlugin()
        let end = try await sandbox.run(
            "run",
            "--type",
            "script",
            "-p",
            "Shell=sh",
            "-p",
            "Script=cat; printf %s \"$SPINDLE_PARAM_Name\"",
            "-p",
            "Name=a=b c",
            "--payload",
            "from the payload, "
        )
        #expect(end.status == 0, "\(end.errors)")
        #expect(end.output == "from the payload, a=b c")
    }

    @Test(
        "refusal: status 2, before anything runs",
        arguments: [
            (["run", "--type", "nonesuch", "--target", "x"], "nonesuch"),
            (["run", "--type", "script", "--target", "/bin/true", "--timeout", "never"], "--timeout"),
            (["run", "--type", "script", "--target", "/bin/true", "--retries", "-1"], "--retries"),
            (["run", "--type", "script", "--target", "/bin/true", "--retries", "99999999999999999999"], "--retries"),
            (["run", "--type", "script", "--target", "/bin/true", "-p", "novalue"], "novalue"),
            (["run", "--type", "script", "--target", "/bin/true", "-p", "a=1", "-p", "a=2"], "twice"),
            (["run", "--type", "script", "--target", "/bin/true", "--priority", "101"], "priority"),
            (["run", "--nonsense"], "--nonsense"),
            (["run"], "target"),
            (["nonsense"], "nonsense"),
            (["config", "show", "--set", "log.levle=info"], "log.level"),
            (["config", "show", "--config", "/nonexistent.yaml"], "/nonexistent.yaml"),
        ] as [([String], String)]
    )
    func refused(_ arguments: [String], _ reason: String) async throws {
        let sandbox = try Sandbox()
        if arguments.contains("--type") { try await sandbox.addScriptPlugin() }
        let end = try await Command(arguments, environment: sandbox.environment, directory: sandbox.path).outcome
        #expect(end.status == 2, "\(end.errors)")
        #expect(end.errors.contains(reason), "\(end.errors)")
        #expect(end.output.isEmpty)
    }

    @Test("help and version are data: standard output, status 0", arguments: [["--help"], ["run", "--help"], ["--version"]])
    func help(_ arguments: [String]) async throws {
        let sandbox = try Sandbox()
        let end = try await Command(arguments, environment: sandbox.environment, directory: sandbox.path).outcome
        #expect(end.status == 0)
        #expect(!end.output.isEmpty)
        #expect(end.errors.isEmpty)
    }

    @Test("config show names where each value came from")
    func configuration() async throws {
        let sandbox = try Sandbox()
        let end = try await sandbox.run(
            "config",
            "show",
            "--set",
            "executionEngine.defaultRetryCount=7",
            environment: ["SPINDLE_LOG_LEVEL": "debug", "ExecutionEngine__MaxConcurrentJobs": "20"]
        )
        #expect(end.status == 0, "\(end.errors)")
        let rows = end.output.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        #expect(rows.contains("executionEngine.defaultRetryCount 7 --set"))
        #expect(rows.contains("executionEngine.maxConcurrentJobs 20 $ExecutionEngine__MaxConcurrentJobs"))
        #expect(rows.contains("log.level debug $SPINDLE_LOG_LEVEL"))
        #expect(rows.contains("executionEngine.defaultTimeoutSeconds 300 default"))
    }

    @Test("on a terminal a line below the log says how far it is")
    func progress() async throws {
        let sandbox = try Sandbox()
        try await sandbox.addScriptPlugin()
        let begun = try sandbox.makeMeetingPoint("begun")
        let seen = try sandbox.makeMeetingPoint("seen")
        let script = "echo from the log; : > \(begun); : > \(seen)"
        let run = try sandbox.startOnTerminal("run", "--type", "script", "-p", "Shell=sh", "-p", "Script=\(script)")
        await sandbox.meet(begun)
        #expect(await run.line(containing: "running") != nil)
        await sandbox.meet(seen)
        let end = await run.outcome
        #expect(end.status == 0, "\(end.errors)")
        // No line of the log is glued to the line below it, and nothing of it remains.
        let lines = end.errors.split { $0.isNewline || $0 == "\r" }
        let log = try #require(lines.first { $0.contains("from the log") })
        #expect(!log.contains("running"), "\(log)")
        #expect(end.errors.hasSuffix("\r\u{1B}[K"), "\(end.errors)")
    }
}
