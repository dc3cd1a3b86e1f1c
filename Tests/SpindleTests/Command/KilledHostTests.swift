import Glibc
import TestSupport
import Testing

@testable import SpindlePlugins

/// What is left when the host itself is killed.
@Suite("A killed host", .timeLimit(.minutes(3)))
struct KilledHostTests {
    @Test("SIGKILL of the host ends its workers, and what a plugin started in a session of its own")
    func killed() async throws {
        let sandbox = try Sandbox()
        try await sandbox.addScriptPlugin()
        let host = try await sandbox.serve()
        let script = "(setsid sh -c 'echo daemon $$; exec sleep 600' &); exec sleep 600"
        let submitted = try await sandbox.run("submit", "--type", "script", "-p", "Shell=sh", "-p", "Script=\(script)")
        #expect(submitted.status == 0, "\(submitted.errors)")
        let id = submitted.output.split(separator: "\n").first.map(String.init) ?? ""
        var daemon: Int32?
        while daemon == nil {
            let log = try await sandbox.run("executions", "logs", id)
            daemon = log.output.firstMatch(of: /daemon ([0-9]+)/).flatMap { Int32($0.output.1) }
        }
        let left = WorkerUsage.descendants(of: host.process)
        // Init, the runner, the script, and the one that hides.
        let hidden = try #require(daemon)
        #expect(left.count >= 4 && left.contains(hidden))
        let watched = try left.map { try WatchedProcess($0) }
        #expect(watched.allSatisfy { !$0.hasEnded })
        host.send(SIGKILL)
        for process in watched { await process.end() }
        #expect(await host.outcome.status == 128 + SIGKILL)
    }
}
