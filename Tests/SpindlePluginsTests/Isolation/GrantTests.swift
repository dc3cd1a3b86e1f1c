import Glibc
import SpindleCore
import Testing

@testable import SpindlePlugins

/// What grants give, and that they give no more.
@Suite(.enabled(if: Sandbox.refusal == nil), .timeLimit(.minutes(5)))
struct GrantTests {
    private let escape: EscapeRig
    private var path: String { escape.workspace.path }

    init() throws {
        escape = try EscapeRig()
        for (name, mode) in [("in", 0o755), ("out", 0o777), ("other", 0o777)] as [(String, mode_t)] {
            try #require(mkdir("\(path)/\(name)", mode) == 0 && chmod("\(path)/\(name)", mode) == 0)
            try escape.workspace.write("text", to: "../\(name)/file", mode: 0o666)
        }
        // mkdtemp's directory is for us alone.
        try #require(chmod(path, 0o755) == 0)
    }

    @Test("paths to read and to write")
    func paths() async throws {
        try await escape.with("isolation: sandbox\nneeds: {read: [\(path)/in], write: [\(path)/out]}\n") { rig in
            try await escape.expect("reached", rig, "read", ["path": "\(path)/in/file"])
            try await escape.expect("refused", rig, "write", ["path": "\(path)/in/file"])
            try await escape.expect("refused", rig, "write", ["path": "\(path)/in/new"])
            try await escape.expect("reached", rig, "read", ["path": "\(path)/out/file"])
            try await escape.expect("reached", rig, "write", ["path": "\(path)/out/new"])
            try await escape.expect("refused", rig, "read", ["path": "\(path)/other/file"])
            try await escape.expect("refused", rig, "read", ["path": "\(path)/out/../other/file"])
        }
        #expect(access("\(path)/out/new", F_OK) == 0 && access("\(path)/in/new", F_OK) != 0)
    }

    @Test("a path to write in one to read is refused, one to read in one to write is a part of it")
    func nested() async throws {
        try escape.workspace.write("isolation: sandbox\nneeds: {read: [\(path)], write: [\(path)/out]}\n", to: "escape.yaml")
        try await Rig.with(escape.workspace) { rig in
            let text = "grants \(path)/out to write within \(path) to read; grant paths of which none is in another"
            #expect(rig.host.listings.first?.reason?.hasSuffix(text) == true, "\(rig.host.listings)")
        }
        try await escape.with("isolation: sandbox\nneeds: {read: [\(path)/out], write: [\(path)/out]}\n") { rig in
            try await escape.expect("reached", rig, "write", ["path": "\(path)/out/new"])
            try await escape.expect("refused", rig, "read", ["path": "\(path)/other/file"])
        }
    }

    @Test("programs: within the number of processes, and all gone with the worker")
    func programs() async throws {
        try await escape.with("isolation: sandbox\nneeds: {exec: true, pids: 40}\n") { rig in
            try await escape.expect("reached", rig, "exec")
            try await escape.expect("reached", rig, "fork")
            try await escape.expect("refused", rig, "tcp")
            try await escape.expect("refused", rig, "unshare")
            let answer = try await escape.attempt(rig, "bomb")
            let made = try #require(Int(answer))
            #expect((1..<40).contains(made), "\(made)")
        }
    }

    @Test("threads count as processes do")
    func threads() async throws {
        try await escape.with("isolation: sandbox\nneeds: {pids: 40}\n") { rig in
            let answer = try await escape.attempt(rig, "threads")
            let made = try #require(Int(answer))
            #expect((1..<40).contains(made), "\(made)")
        }
    }

    @Test("memory: who eats more is ended, and named")
    func memory() async throws {
        try await escape.with("isolation: sandbox\nneeds: {memory: 128MiB}\n") { rig in
            let seen = try await rig.run(rig.request("escape", "eat"))
            // A control group ends it; an rlimit refuses the memory.
            #expect(seen.result?.class == .crashed || seen.result?.resultData == "ENOMEM", "\(String(describing: seen.result))")
            try await escape.expect("EPERM", rig, "fork")
        }
    }

    @Test("files: not longer than output")
    func output() async throws {
        try await escape.with("isolation: sandbox\nneeds: {output: 1MiB, write: [\(path)/out]}\n") { rig in
            try await escape.expect("EFBIG", rig, "fill", ["path": "\(path)/out/long"])
            let found = try await escape.attempt(rig, "fill", ["path": "/tmp/long"])
            #expect(found == "EFBIG" || found == "ENOSPC", "\(found)")
        }
    }

    @Test("memory that is executed")
    func jit() async throws {
        try await escape.with("isolation: sandbox\nneeds: {jit: true}\n") { rig in
            try await escape.expect("reached", rig, "code")
        }
    }

    @Test("a list of the network: these, and nothing else")
    func list() async throws {
        let other = try Listener.tcp()
        try await escape.with("isolation: sandbox\nneeds: {net: [\"127.0.0.1:\(escape.tcp.port)\"]}\n") { rig in
            try await escape.expect("reached", rig, "tcp")
            try await escape.expect("refused", rig, "tcp", ["port": "\(other.port)"])
            try await escape.expect("refused", rig, "raw")
            try await escape.expect("refused", rig, "abstract")
        }
    }

    @Test("any network")
    func any() async throws {
        try await escape.with("isolation: sandbox\nneeds: {net: any}\n") { rig in
            try await escape.expect("reached", rig, "tcp")
            try await escape.expect("reached", rig, "udp")
            try await escape.expect("refused", rig, "raw")
            try await escape.expect("refused", rig, "signal")
        }
    }

    @Test("limits are held at worker too")
    func worker() async throws {
        try await escape.with("isolation: worker\nneeds: {memory: 128MiB, output: 1MiB}\n") { rig in
            let seen = try await rig.run(rig.request("escape", "eat"))
            #expect(seen.result?.class == .crashed || seen.result?.resultData == "ENOMEM", "\(String(describing: seen.result))")
            try await escape.expect("EFBIG", rig, "fill", ["path": "\(path)/out/long"])
        }
    }

    @Test("a worker for each attempt")
    func oneShot() async throws {
        try await escape.with("isolation: one-shot\n") { rig in
            try await escape.expect("reached", rig, "write", ["path": "/tmp/left"])
            try await escape.expect("ENOENT", rig, "read", ["path": "/tmp/left"])
        }
        try await escape.with("isolation: sandbox\n") { rig in
            try await escape.expect("reached", rig, "write", ["path": "/tmp/left"])
            try await escape.expect("reached", rig, "read", ["path": "/tmp/left"])
        }
    }
}
