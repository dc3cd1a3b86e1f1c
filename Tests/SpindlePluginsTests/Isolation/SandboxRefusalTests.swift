import Glibc
import SpindleCore
import Testing

@testable import SpindlePlugins

/// What is said when a promise cannot be kept.
@Suite(.timeLimit(.minutes(5)))
struct SandboxRefusalTests {
    private let workspace: Workspace

    init() throws {
        workspace = try Workspace()
        try workspace.addZoo()
    }

    private func reason(_ sidecar: String) async throws -> String? {
        try workspace.write(sidecar, to: "zoo.yaml")
        return try await Rig.with(workspace) { $0.host.listings.first?.reason }
    }

    @Test(
        "a machine without a layer refuses the plugin, and names it",
        .enabled(if: Sandbox.refusal != nil),
        arguments: ["sandbox", "one-shot"]
    )
    func machine(_ level: String) async throws {
        let expected = "isolation \(level) cannot be given here: \(try #require(Sandbox.refusal)); see spindle doctor"
        #expect(try await reason("isolation: \(level)\n") == expected)
    }

    @Test("the doctor says the same as the host does")
    func doctor() throws {
        let report = Doctor.examineNow(try Sandbox.support.get())
        #expect(report.isSandboxAvailable == (Sandbox.refusal == nil))
        let lacks = report.layers.contains { $0.required && !$0.available }
        #expect(lacks == (Sandbox.refusal != nil), "\(report)")
        #expect(report.levels.map(\.level) == IsolationLevel.allCases)
        #expect(report.layers.allSatisfy { !$0.note.isEmpty })
    }

    @Test(
        "a restriction that nothing would enforce is refused",
        arguments: [
            ("worker", "net: none", "net"), ("worker", "net: [\"a.example:1\"]", "net"), ("worker", "read: [/srv]", "read"),
            ("worker", "write: []", "write"), ("worker", "exec: false", "exec"), ("worker", "jit: false", "jit"),
            ("in-process", "memory: 64MiB", "memory"), ("in-process", "pids: 64", "pids"), ("in-process", "output: 1MiB", "output"),
        ]
    )
    func pretence(_ level: String, _ needs: String, _ key: String) async throws {
        let expected = "needs.\(key) cannot be held at isolation \(level); set isolation: sandbox, or leave needs.\(key) out"
        #expect(try await reason("isolation: \(level)\nallowInProcess: true\nneeds: {\(needs)}\n") == expected)
    }

    @Test("what restricts nothing is no pretence")
    func harmless() async throws {
        #expect(try await reason("isolation: worker\nneeds: {net: any, exec: true, jit: true, output: 1GiB}\n") == nil)
    }

    @Test("a worker whose layers fail later says which, and no attempt runs", .enabled(if: Sandbox.refusal == nil))
    func later() async throws {
        let binary = try WorkerBinary(configured: Workspace.worker)
        var isolation = WorkerIsolation(layers: try Sandbox.support.get().layers())
        isolation.user = Sandbox.isRoot ? PluginUsers.probe : nil
        isolation.layers.remove(.controlGroups)
        isolation.grants.read = ["/spindle-is-not-there"]
        let text = "mount namespace: /spindle-is-not-there: No such file or directory"
        #expect(SandboxTrial.run(binary, isolation) == .refused(text))
        isolation.grants.read = []
        guard Sandbox.isRoot else { return }
        isolation.user = 0
        #expect(SandboxTrial.run(binary, isolation) == .refused("user: root is no user for a plugin"))
    }
}
