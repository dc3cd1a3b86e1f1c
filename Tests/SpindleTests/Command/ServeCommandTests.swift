import Glibc
import SpindleServer
import Testing

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

@Suite("spindle serve and its commands", .serialized, .timeLimit(.minutes(3)))
struct ServeCommandTests {
    private func decode<Body: Decodable>(_ type: Body.Type, _ text: String) throws -> Body {
        try JSONDecoder().decode(type, from: Data(text.utf8))
    }

    /// What `executions show --json` prints, in part.
    private struct Shown: Decodable {
        struct Execution: Decodable { let state: String; let attempt: Int; let losses: Int }
        let execution: Execution
    }

    private func show(_ id: String, _ sandbox: Sandbox) async throws -> Shown.Execution {
        let shown = try await sandbox.run("executions", "show", id, "--json")
        try #require(shown.status == 0, "\(shown.errors)")
        return try decode(Shown.self, shown.output).execution
    }

    @Test("submit, wait, list, show, logs, cancel and retry over the socket; SIGTERM ends it with 0")
    func commands() async throws {
        let sandbox = try Sandbox()
        try await sandbox.addScriptPlugin()
        let host = try await sandbox.serve()

        let waited = try await sandbox.run("submit", "--type", "script", "--target", "/bin/echo", "-p", "Arg0=served", "--wait")
        #expect(waited.status == 0, "\(waited.errors)")
        #expect(waited.output == "served\n")

        let failed = try await sandbox.run("submit", "--type", "script", "--target", "/bin/false", "--retries", "0", "--wait")
        #expect(failed.status == 1, "\(failed.errors)")

        let submitted = try await sandbox.run(
            "submit",
            "--type",
            "script",
            "-p",
            "Shell=sh",
            "-p",
            "Script=echo begun; exec sleep 600"
        )
        #expect(submitted.status == 0, "\(submitted.errors)")
        let id = submitted.output.split(separator: "\n").first.map(String.init) ?? ""
        #expect(id.utf8.count == 36)

        let following = try sandbox.start("executions", "logs", "-f", id)
        #expect(try await sandbox.run("executions", "cancel", String(id.suffix(8))).status == 0)
        let log = await following.outcome
        #expect(log.status == 0, "\(log.errors)")
        #expect(try await show(id, sandbox).state == "cancelled")

        let list = try await sandbox.run("executions", "list", "--json")
        let page = try decode(ExecutionPageBody.self, list.output)
        #expect(page.executions.map { "\($0.state.state)" } == ["cancelled", "failed", "succeeded"])
        let table = try await sandbox.run("executions", "list")
        #expect(table.output.contains(id.suffix(8)))
        #expect(table.output.contains("cancelled"))

        let logs = try await sandbox.run("executions", "logs", page.executions[2].id)
        #expect(logs.output.contains("served"))
        let output = try await sandbox.run("executions", "output", page.executions[2].id)
        #expect(output.status == 0 && output.output == "served\n", "\(output.errors)")
        let none = try await sandbox.run("executions", "output", page.executions[2].id, "--artefact", "x")
        #expect(none.status == 4)
        #expect(try await sandbox.run("executions", "output", "ffffffff").status == 4)
        #expect(try await sandbox.run("executions", "cancel", id).status == 2)
        #expect(try await sandbox.run("executions", "show", "ffffffff").status == 4)
        #expect(try await sandbox.run("executions", "retry", page.executions[1].id).status == 0)
        #expect(try await sandbox.run("submit", "--type", "nonesuch", "--target", "x").status == 2)

        let plugins = try await sandbox.run("plugins", "list")
        #expect(plugins.output.contains("script"))
        #expect(plugins.output.contains("serving"))

        let second = try await sandbox.run("serve")
        #expect(second.status == 3, "\(second.errors)")
        #expect(second.errors.contains("in use"))

        host.send(SIGTERM)
        #expect(await host.outcome.status == 0)
    }

    @Test("stored jobs: add, list, show, run, remove")
    func jobs() async throws {
        let sandbox = try Sandbox()
        try await sandbox.addScriptPlugin()
        // Before any host: the command takes the store itself.
        let added = try await sandbox.run("jobs", "add", "greet", "--type", "script", "--target", "/bin/echo", "-p", "Arg0=job")
        #expect(added.status == 0, "\(added.errors)")
        let host = try await sandbox.serve()
        #expect(try await sandbox.run("jobs", "list").output.contains("greet"))
        #expect(try await sandbox.run("jobs", "show", "greet").output.contains("/bin/echo"))
        let ran = try await sandbox.run("jobs", "run", "greet", "--wait")
        #expect(ran.status == 0, "\(ran.errors)")
        #expect(ran.output == "job\n")
        #expect(try await sandbox.run("jobs", "remove", "greet").status == 0)
        #expect(try await sandbox.run("jobs", "remove", "greet").status == 4)
        #expect(try await sandbox.run("submit", "--job", "greet").status == 4)
        host.send(SIGTERM)
        #expect(await host.outcome.status == 0)
    }

    @Test("without a host: submit and cancel take the store themselves, reads work, --wait is refused")
    func withoutHost() async throws {
        let sandbox = try Sandbox()
        try await sandbox.addScriptPlugin()
        #expect(try await sandbox.run("executions", "list").status == 3)
        let first = try await sandbox.run("submit", "--type", "script", "--target", "/bin/echo", "-p", "Arg0=later")
        #expect(first.status == 0, "\(first.errors)")
        let id = first.output.split(separator: "\n").first.map(String.init) ?? ""
        #expect(try await show(id, sandbox).state == "queued")
        let second = try await sandbox.run("submit", "--type", "script", "--target", "/bin/true")
        let other = second.output.split(separator: "\n").first.map(String.init) ?? ""
        #expect(try await sandbox.run("executions", "cancel", other).status == 0)
        #expect(try await sandbox.run("submit", "--type", "script", "--target", "/bin/true", "--wait").status == 3)
        #expect(try await sandbox.run("submit", "--type", "nonesuch", "--target", "x").status == 2)

        let host = try await sandbox.serve()
        #expect(try await sandbox.run("executions", "logs", "-f", id).output.contains("later"))
        #expect(try await show(id, sandbox).state == "succeeded")
        #expect(try await show(other, sandbox).state == "cancelled")
        host.send(SIGTERM)
        #expect(await host.outcome.status == 0)
        // Reading needs no host.
        #expect(try await sandbox.run("executions", "logs", id).output.contains("later"))
    }

    @Test("after kill -9 the next start runs again what was under way, and burns no retry")
    func killed() async throws {
        let sandbox = try Sandbox()
        try await sandbox.addScriptPlugin()
        let host = try await sandbox.serve()
        // The first run never ends by itself; the second finds the mark of the first.
        let script =
            "if [ -e \(sandbox.path)/mark ]; then echo again; else touch \(sandbox.path)/mark; echo first; exec sleep 600; fi"
        let follower = try sandbox.start(
            "submit",
            "--type",
            "script",
            "-p",
            "Shell=sh",
            "-p",
            "Script=\(script)",
            "--retries",
            "0",
            "--wait"
        )
        #expect(await follower.line(containing: "first") != nil)
        host.send(SIGKILL)
        #expect(await host.outcome.status == 128 + SIGKILL)
        #expect(await follower.outcome.status == 3)

        let next = try await sandbox.serve()
        let list = try await sandbox.run("executions", "list", "--json")
        let id = try #require(try decode(ExecutionPageBody.self, list.output).executions.first?.id)
        #expect(try await sandbox.run("executions", "logs", "-f", id).output.contains("again"))
        let shown = try await show(id, sandbox)
        #expect(shown.state == "succeeded")
        #expect(shown.attempt == 2)
        #expect(shown.losses == 1)
        next.send(SIGTERM)
        #expect(await next.outcome.status == 0)
    }

    @Test("the second signal does not wait for what runs: status 143")
    func secondSignal() async throws {
        let sandbox = try Sandbox()
        try await sandbox.addScriptPlugin()
        let host = try await sandbox.serve()
        let begun = try sandbox.makeMeetingPoint()
        let submitted = try await sandbox.run(
            "submit",
            "--type",
            "script",
            "-p",
            "Shell=sh",
            "-p",
            "Script=: > \(begun); exec sleep 600"
        )
        #expect(submitted.status == 0, "\(submitted.errors)")
        await sandbox.meet(begun)
        host.send(SIGTERM)
        #expect(await host.line(containing: "draining") != nil)
        host.send(SIGTERM)
        #expect(await host.outcome.status == 143)
    }

    @Test("log.format json makes every line of the host's log an object")
    func jsonLog() async throws {
        let sandbox = try Sandbox()
        let host = try sandbox.start("serve", "--set", "log.format=json")
        let line = try #require(await host.line(containing: "listening at"))
        #expect(line.hasPrefix("{"), "\(line)")
        #expect(line.contains(#""level":"#), "\(line)")
        host.send(SIGTERM)
        #expect(await host.outcome.status == 0)
    }

    @Test("while it drains, a host refuses new work and answers everything else; a cancel lets it end")
    func draining() async throws {
        let sandbox = try Sandbox()
        try await sandbox.addScriptPlugin()
        let host = try await sandbox.serve()
        let begun = try sandbox.makeMeetingPoint()
        let script = "Script=: > \(begun); exec sleep 600"
        let waiting = try sandbox.start("submit", "--type", "script", "-p", "Shell=sh", "-p", script, "--wait")
        await sandbox.meet(begun)
        host.send(SIGTERM)
        #expect(await host.line(containing: "draining") != nil)

        let refused = try await sandbox.run("submit", "--type", "script", "--target", "/bin/true")
        #expect(refused.status == 3)
        #expect(refused.errors.contains("shutting down"), "\(refused.errors)")
        let list = try await sandbox.run("executions", "list", "--json")
        let page = try decode(ExecutionPageBody.self, list.output)
        #expect(page.executions.map { "\($0.state.state)" } == ["running"])
        let cancelled = try await sandbox.run("executions", "cancel", try #require(page.executions.first?.id))
        #expect(cancelled.status == 0, "\(cancelled.errors)")
        let end = await waiting.outcome
        #expect(end.status == 143, "\(end.errors)")
        #expect(await host.outcome.status == 0)
    }

    @Test("following a log without a host says that nothing will come")
    func followWithoutHost() async throws {
        let sandbox = try Sandbox()
        try await sandbox.addScriptPlugin()
        let submitted = try await sandbox.run("submit", "--type", "script", "--target", "/bin/echo", "-p", "Arg0=x")
        let id = submitted.output.split(separator: "\n").first.map(String.init) ?? ""
        let following = try await sandbox.run("executions", "logs", "-f", id)
        #expect(following.status == 3)
        #expect(following.errors.contains("is queued"), "\(following.errors)")
        #expect(try await sandbox.run("executions", "logs", id).status == 0)
    }
}
