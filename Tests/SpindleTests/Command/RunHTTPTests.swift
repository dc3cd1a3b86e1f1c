import Glibc
import Testing

/// `spindle run` against a real HTTP server: every exit status.
@Suite("spindle run on HTTP targets", .serialized, .timeLimit(.minutes(3)))
struct RunHTTPTests {
    private func withServer(_ body: (Sandbox, HTTPServer) async throws -> Void) async throws {
        let sandbox = try Sandbox()
        try await sandbox.addPlugin("http")
        let server = try await HTTPServer()
        // Its last use may be long before its last request.
        defer { withExtendedLifetime(server) {} }
        try await body(sandbox, server)
    }

    @Test("success: the body on standard output, status 0, routed by the target")
    func success() async throws {
        try await withServer { sandbox, server in
            let get = try await sandbox.run("run", "--target", server.url("/chain/0"))
            #expect(get.status == 0, "\(get.errors)")
            #expect(get.output == "end of chain")
            let post = try await sandbox.run(
                "run",
                "--target",
                server.url("/echo"),
                "-p",
                "Header_X-Test=from the test",
                "--payload",
                "from the payload"
            )
            #expect(post.status == 0, "\(post.errors)")
            for part in [#""method": "POST""#, #"["X-Test", "from the test"]"#, #""body": "from the payload""#, "Idempotency-Key"] {
                #expect(post.output.contains(part), "\(part) in \(post.output)")
            }
        }
    }

    @Test("failure: status 1; what cannot help is not tried again")
    func failure() async throws {
        try await withServer { sandbox, server in
            let missing = try await sandbox.run("run", "--target", server.url("/status/404"), "--retries", "5")
            #expect(missing.status == 1, "\(missing.errors)")
            #expect(missing.errors.contains("http.status.404") && missing.errors.contains("failed after 1 attempt:"))
            let url = try await sandbox.run("run", "--target", "http://[not-an-address/", "--retries", "5")
            #expect(url.status == 1, "\(url.errors)")
            #expect(url.errors.contains("http.url") && url.errors.contains("failed after 1 attempt:"))
        }
    }

    @Test("failure after retries: a server in trouble, a connection that is refused, one that breaks")
    func retried() async throws {
        try await withServer { sandbox, server in
            let closed = try HTTPServer.ClosedPort()
            defer { withExtendedLifetime(closed) {} }
            let targets = [
                (server.url("/status/503"), "http.status.503"), ("http://127.0.0.1:\(closed.number)/", "http.connect"),
                (server.url("/reset"), "http.connection"), (server.url("/partial"), "http.connection"),
            ]
            for (target, code) in targets {
                let end = try await sandbox.run(
                    "run",
                    "--target",
                    target,
                    "--retries",
                    "2",
                    "--retry-strategy",
                    "fixed",
                    "--retry-delay",
                    "1ms"
                )
                #expect(end.status == 1, "\(target): \(end.errors)")
                #expect(end.errors.contains(code) && end.errors.contains("failed after 3 attempts:"), "\(target): \(end.errors)")
            }
        }
    }

    @Test("timeout: status 124, and the transfer is given up", arguments: ["/hang", "/slowbody"])
    func timeout(_ path: String) async throws {
        try await withServer { sandbox, server in
            let end = try await sandbox.run("run", "--target", server.url(path), "--timeout", "300ms", "--retries", "0")
            #expect(end.status == 124, "\(end.errors)")
            #expect(end.errors.contains("failed after 1 attempt:"))
            // The transfer did not outlive the command.
            try await server.waitUntilAllAreGivenUp()
        }
    }

    @Test("while the response is awaited: Ctrl-C is status 130, SIGTERM 143", arguments: zip([SIGINT, SIGTERM], [130, 143]))
    func interrupted(signal: Int32, status: Int) async throws {
        try await withServer { sandbox, server in
            let command = try sandbox.start("run", "--target", server.url("/hang"))
            try await server.waitForRequests(1)
            command.send(signal)
            let end = await command.outcome
            #expect(Int(end.status) == status, "\(end.errors)")
            #expect(end.errors.contains("cancelled after 1 attempt"))
            try await server.waitUntilAllAreGivenUp()
        }
    }

    @Test(
        "refusal: status 2, before anything is sent",
        arguments: [
            (["--target", "gopher://localhost/"], "gopher"), (["--target", "127.0.0.1"], "127.0.0.1"),
            (["--type", "htpt", "--target", "URL"], "Types served here: http"),
            (["--target", "URL", "--timeout", "0"], "--timeout"),
            (["--target", "URL", "-p", "Header_X"], "Header_X"),
            (["--target", "URL", "--payload", "@/nonexistent"], "/nonexistent"),
        ] as [([String], String)]
    )
    func refused(_ arguments: [String], _ reason: String) async throws {
        try await withServer { sandbox, server in
            let words = ["run"] + arguments.map { $0 == "URL" ? server.url("/hang") : $0 }
            let end = try await Command(words, environment: sandbox.environment, directory: sandbox.path).outcome
            #expect(end.status == 2, "\(end.errors)")
            #expect(end.errors.contains(reason), "\(end.errors)")
            #expect(end.output.isEmpty)
        }
    }
}
