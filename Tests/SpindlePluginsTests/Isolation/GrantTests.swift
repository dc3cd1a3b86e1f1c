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
            #expect(try await escape.attempt(rig, "read", ["path": "\(path)/in/file"]) == "reached")
            #expect(try await escape.attempt(rig, "write", ["path": "\(path)/in/file"]).hasPrefix("E"))
            #expect(try await escape.attempt(rig, "write", ["path": "\(path)/in/new"]).hasPrefix("E"))
            #expect(try await escape.attempt(rig, "read", ["path": "\(path)/out/file"]) == "reached")
            #expect(try await escape.attempt(rig, "write", ["path": "\(path)/out/new"]) == "reached")
            #expect(try await escape.attempt(rig, "read", ["path": "\(path)/other/file"]).hasPrefix("E"))
            #expect(try await escape.attempt(rig, "read", ["path": "\(path)/out/../other/file"]).hasPrefix("E"))
        }
        #expect(access("\(path)/out/new", F_OK) == 0 && access("\(path)/in/new", F_OK) != 0)
    }

    @Test("programs: within the number of processes, and all gone with the worker")
    func programs() async throws {
        try await escape.with("isolation: sandbox\nneeds: {exec: true, pids: 40}\n") { rig in
            #expect(try await escape.attempt(rig, "exec") == "reached")
            #expect(try await escape.attempt(rig, "fork") == "reached")
            #expect(try await escape.attempt(rig, "tcp").hasPrefix("E"))
            #expect(try await escape.attempt(rig, "unshare").hasPrefix("E"))
            let made = try #require(Int(try await escape.attempt(rig, "bomb")))
            #expect((1..<40).contains(made), "\(made)")
        }
    }

    @Test("threads count as processes do")
    func threads() async throws {
        try await escape.with("isolation: sandbox\nneeds: {pids: 40}\n") { rig in
            let made = try #require(Int(try await escape.attempt(rig, "threads")))
            #expect((1..<40).contains(made), "\(made)")
        }
    }

    @Test("memory: who eats more is ended, and named")
    func memory() async throws {
        try await escape.with("isolation: sandbox\nneeds: {memory: 128MiB}\n") { rig in
            let seen = try await rig.run(rig.request("escape", "eat"))
            // A control group ends it; an rlimit refuses the memory.
            #expect(seen.result?.class == .crashed || seen.result?.resultData == "ENOMEM", "\(String(describing: seen.result))")
            #expect(try await escape.attempt(rig, "fork") == "EPERM", "the next one runs in a new worker")
        }
    }

    @Test("files: not longer than output")
    func output() async throws {
        try await escape.with("isolation: sandbox\nneeds: {output: 1MiB, write: [\(path)/out]}\n") { rig in
            #expect(try await escape.attempt(rig, "fill", ["path": "\(path)/out/long"]) == "EFBIG")
            #expect(["EFBIG", "ENOSPC"].contains(try await escape.attempt(rig, "fill", ["path": "/tmp/long"])))
        }
    }

    @Test("memory that is executed")
    func jit() async throws {
        try await escape.with("isolation: sandbox\nneeds: {jit: true}\n") { rig in
            #expect(try await escape.attempt(rig, "code") == "reached")
        }
    }

    @Test("a list of the network: these, and nothing else")
    func list() async throws {
        let other = try Listener.tcp()
        try await escape.with("isolation: sandbox\nneeds: {net: [\"127.0.0.1:\(escape.tcp.port)\"]}\n") { rig in
            #expect(try await escape.attempt(rig, "tcp") == "reached")
            #expect(try await escape.attempt(rig, "tcp", ["port": "\(other.port)"]).hasPrefix("E"))
            #expect(try await escape.attempt(rig, "raw").hasPrefix("E"))
            #expect(try await escape.attempt(rig, "abstract").hasPrefix("E"))
        }
    }

    @Test("any network")
    func any() async throws {
        try await escape.with("isolation: sandbox\nneeds: {net: any}\n") { rig in
            #expect(try await escape.attempt(rig, "tcp") == "reached")
            #expect(try await escape.attempt(rig, "udp") == "reached")
            #expect(try await escape.attempt(rig, "raw").hasPrefix("E"))
            #expect(try await escape.attempt(rig, "signal").hasPrefix("E"))
        }
    }

    @Test("limits are held at worker too")
    func worker() async throws {
        try await escape.with("isolation: worker\nneeds: {memory: 128MiB, output: 1MiB}\n") { rig in
            let seen = try await rig.run(rig.request("escape", "eat"))
            #expect(seen.result?.class == .crashed || seen.result?.resultData == "ENOMEM", "\(String(describing: seen.result))")
            #expect(try await escape.attempt(rig, "fill", ["path": "\(path)/out/long"]) == "EFBIG")
        }
    }

    @Test("a worker for each attempt")
    func oneShot() async throws {
        try await escape.with("isolation: one-shot\n") { rig in
            #expect(try await escape.attempt(rig, "write", ["path": "/tmp/left"]) == "reached")
            #expect(try await escape.attempt(rig, "read", ["path": "/tmp/left"]) == "ENOENT")
        }
        try await escape.with("isolation: sandbox\n") { rig in
            #expect(try await escape.attempt(rig, "write", ["path": "/tmp/left"]) == "reached")
            #expect(try await escape.attempt(rig, "read", ["path": "/tmp/left"]) == "reached", "the proof that the try can find it")
        }
    }
}
