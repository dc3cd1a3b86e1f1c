import Glibc
import SpindleCore
import Testing

@testable import SpindlePlugins

/// A plugin that means harm, in a sandbox without grants, and outside of one.
@Suite(.enabled(if: Sandbox.refusal == nil), .timeLimit(.minutes(5)))
struct EscapeTests {
    private let escape: EscapeRig

    init() throws { escape = try EscapeRig() }

    /// A try, and the layers each of which refuses it alone. Names as in the fixture; parameters besides the usual ones.
    private struct Try: Sendable {
        let name: String
        let layers: [SandboxLayers]
        var parameters = Parameters()
        /// Root's to do: as another user it fails anyway.
        var isRootOnly = false
    }

    private var tries: [Try] {
        let own = SandboxLayers.ids
        return [
            Try(name: "read", layers: [own, .mount, .landlock], isRootOnly: true),
            Try(name: "read", layers: [own, .mount, .landlock], parameters: ["path": "\(escape.workspace.state)/store.db"]),
            Try(name: "write", layers: [own, .mount, .landlock], parameters: ["path": "\(escape.workspace.state)/planted"]),
            Try(name: "tcp", layers: [.net, .landlock, .seccomp]),
            Try(name: "udp", layers: [.net, .seccomp]),
            Try(name: "raw", layers: [own, .capabilities, .seccomp], isRootOnly: true),
            Try(name: "abstract", layers: [.net, .landlock, .seccomp]),
            Try(name: "signal", layers: [own, .pid, .landlock]),
            Try(name: "ptrace", layers: [own, .pid, .seccomp]),
            Try(name: "peek", layers: [own, .pid, .seccomp]),
            Try(name: "fork", layers: [.seccomp]),
            Try(name: "exec", layers: [.seccomp, .landlock]),
            Try(name: "mount", layers: [own, .capabilities, .seccomp], isRootOnly: true),
            Try(name: "unshare", layers: [own, .capabilities, .seccomp], isRootOnly: true),
            Try(name: "keyctl", layers: [.seccomp]),
            Try(name: "io_uring", layers: [.seccomp]),
            Try(name: "userfaultfd", layers: [.seccomp]),
            Try(name: "code", layers: [.memoryProtection]),
            Try(name: "hostname", layers: [own, .capabilities], isRootOnly: true),
            Try(name: "root", layers: [own], isRootOnly: true),
            Try(name: "daemon", layers: [.seccomp]),
            Try(name: "pair", layers: [.seccomp]),
            Try(name: "raw-pair", layers: [.seccomp]),
            Try(name: "set-user", layers: [.seccomp]),
            Try(name: "set-group-new", layers: [.seccomp]),
        ]
    }

    @Test("at sandbox without grants nothing is reached", arguments: ["sandbox", "one-shot"])
    func nothing(_ level: String) async throws {
        try await escape.with("isolation: \(level)\n") { rig in
            for one in tries {
                let found = try await escape.attempt(rig, one.name, one.parameters)
                #expect(found.hasPrefix("E"), "\(one.name) \(one.parameters): \(found)")
            }
            for name in ["clone3", "bpf", "tiocsti", "limits", "parent", "userns", "exec-here", "memory"] {
                let found = try await escape.attempt(rig, name, name == "memory" ? ["pid": "\(getpid())"] : [:])
                #expect(found.hasPrefix("E"), "\(name): \(found)")
            }
            try await escape.expect("ESRCH", rig, "signal", ["pid": "\(getpid())"])
            try await escape.expect("ENOSYS", rig, "clone3")
            try await escape.expect("0", rig, "bomb")
            try await escape.expect("reached", rig, "stream-pair")
            try await escape.expect("reached", rig, "mode")
            try await escape.expect("reached", rig, "write", ["path": "/tmp/own"])
            try await escape.expect("reached", rig, "list", ["path": "/tmp"])
            try await escape.expect("reached", rig, "read", ["path": "/etc/passwd"])
            if Sandbox.isRoot {
                let ids = try await escape.attempt(rig, "ids").split(separator: " ").map(String.init)
                let user = try #require(UInt32(ids[0]))
                #expect(PluginUsers.range.contains(user) && ids[1] == ids[0] && ids[2] == "0")
            }
        }
        #expect(access("\(escape.workspace.state)/planted", F_OK) != 0)
    }

    /// What the level worker does not promise; and the proof that what is refused above is there to be reached.
    @Test("at worker all of it is reached")
    func worker() async throws {
        try await escape.with("isolation: worker\n") { rig in
            for one in tries where Sandbox.isRoot || !one.isRootOnly {
                // The kernel may keep these from everybody.
                if ["io_uring", "userfaultfd", "keyctl", "ptrace", "peek"].contains(one.name), !Sandbox.isRoot { continue }
                let found = try await escape.attempt(rig, one.name, one.parameters)
                #expect(found == "reached", "\(one.name) \(one.parameters): \(found)")
            }
        }
        #expect(unlink("\(escape.workspace.state)/planted") == 0)
    }

    private static let single: [(name: String, layer: SandboxLayers)] = [
        ("own user", .ids), ("PID namespace", .pid), ("mount namespace", [.pid, .mount]), ("network namespace", .net),
        ("capabilities", .capabilities), ("Landlock", .landlock), ("seccomp", .seccomp), ("memory protection", .memoryProtection),
        ("none", []),
    ]

    /// Each layer alone refuses what it is for, and with none of them everything is reached.
    @Test("each layer by itself", .enabled(if: Sandbox.isRoot), arguments: single.map(\.name))
    func each(_ name: String) async throws {
        let layer = try #require(Self.single.first { $0.name == name }).layer
        let kept: SandboxLayers = layer.union([.test, .limits])
        try await escape.with("isolation: sandbox\n", without: SandboxLayers.all(isRoot: true).subtracting(kept)) { rig in
            for one in tries {
                let found = try await escape.attempt(rig, one.name, one.parameters)
                let isRefused = one.layers.contains { layer.contains($0) }
                // Landlock knows TCP, signals and abstract sockets only in newer kernels.
                if layer == .landlock, ["tcp", "abstract", "signal"].contains(one.name), landlock < 6 { continue }
                if isRefused {
                    #expect(found.hasPrefix("E"), "\(one.name) \(one.parameters): \(found)")
                } else if layer == [] {
                    #expect(found == "reached", "\(one.name) \(one.parameters): \(found)")
                }
            }
        }
    }

    private var landlock: Int {
        guard let support = try? Sandbox.support.get(), case .given(let text) = support.outcome(.landlock) else { return 0 }
        return Int(text.split(separator: " ").last ?? "") ?? 0
    }
}
