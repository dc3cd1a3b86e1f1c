import Glibc
import Testing

@testable import SpindlePlugins

/// What is left when the host itself is killed.
@Suite("A killed host", .timeLimit(.minutes(3)))
struct KilledHostTests {
    /// Gone, or dead and not yet reaped by whoever adopts orphans here.
    private static func isGone(_ pid: Int32) -> Bool {
        guard let state = ProcessStatus(pid)?.state else { return true }
        return state == UInt8(ascii: "Z") || state == UInt8(ascii: "X")
    }

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
        #expect(left.allSatisfy { !Self.isGone($0) })
        host.send(SIGKILL)
        for pid in left {
            while !Self.isGone(pid) { try await Task.sleep(for: .milliseconds(10)) }
        }
        #expect(await host.outcome.status == 128 + SIGKILL)
    }
}
