import Glibc
import SpindleCore
import TestSupport
import Testing

@testable import SpindlePlugins

/// Plugins that do what they must not, in worker processes.
@Suite(.timeLimit(.minutes(5)))
struct MisbehaviourTests {
    private let workspace: Workspace

    init() throws {
        workspace = try Workspace()
        try workspace.addZoo()
    }

    /// Times short enough to see things happen, long enough for a busy machine.
    private var quick: WorkerPoolSettings {
        var settings = WorkerPoolSettings()
        settings.killDelay = 200_000
        settings.shutdownTime = 2_000_000
        settings.lingerTime = 100_000
        return settings
    }

    @Test(
        "an attempt that takes its worker down is named, and the next one runs",
        arguments: [
            ("crash", "SIGSEGV"), ("abort", "SIGABRT"), ("exit", "exited with status 0"), ("overflow", "SIGSEGV"),
        ]
    )
    func crash(_ target: String, _ expected: String) async throws {
        try await Rig.with(workspace, pool: quick) { rig in
            for type in ["serial", "parallel", "async"] {
                let seen = try await rig.run(rig.request(type, target))
                #expect(seen.result?.class == .crashed, "\(type): \(String(describing: seen.result))")
                #expect(seen.result?.errorCode == "spindle.worker.crashed")
                #expect(seen.result?.errorMessage?.contains(expected) == true)
                let next = try await rig.run(rig.request(type, "ok"))
                #expect(next.result?.success == true)
                #expect(next.ranOn != seen.ranOn)
            }
        }
    }

    @Test("a crash has an address and a stack")
    func stack() async throws {
        try await Rig.with(workspace, pool: quick) { rig in
            let seen = try await rig.run(rig.request("parallel", "crash"))
            #expect(seen.result?.errorMessage?.contains("at address 0x0") == true)
            #expect(seen.result?.stackTrace?.contains("plugin+0x") == true)
            #expect(seen.result?.details?.contains("\"signal\":\"SIGSEGV\"") == true)
        }
    }

    @Test("the neighbours of a crash are interrupted, not crashed")
    func neighbours() async throws {
        try await Rig.with(workspace, pool: quick) { rig in
            let others = (0..<4).map { _ in rig.request("parallel", "wait") }
            try rig.start(others)
            for other in others { _ = await rig.wait(other) { !$0.logs.isEmpty } }
            let culprit = try await rig.run(rig.request("parallel", "crash"))
            #expect(culprit.result?.class == .crashed)
            for other in others {
                let seen = await rig.wait(other) { $0.result != nil && $0.hasCodeEnded }
                #expect(seen.result?.class == .interrupted)
                #expect(seen.ranOn == culprit.ranOn)
            }
        }
    }

    @Test("with nobody to name, all are interrupted; a suspect alone is to blame")
    func suspects() async throws {
        try await Rig.with(workspace, pool: quick) { rig in
            let unnamed = try await rig.run(rig.request("parallel", "unnamed"))
            #expect(unnamed.result?.class == .interrupted)
            let before = try await rig.run(rig.request("parallel", "ok"))
            let alone = try await rig.run(rig.request("parallel", "unnamed", isSuspect: true))
            #expect(alone.result?.class == .crashed)
            #expect(alone.ranOn != before.ranOn)
            let innocent = try await rig.run(rig.request("parallel", "ok", isSuspect: true))
            #expect(innocent.result?.success == true)
            #expect(innocent.ranOn != before.ranOn)
            let after = try await rig.run(rig.request("parallel", "ok"))
            #expect(after.ranOn == before.ranOn)
        }
    }

    @Test("code that ignores a cancel is ended with its worker", arguments: ["serial", "parallel", "async"])
    func hang(_ type: String) async throws {
        try await Rig.with(workspace, pool: quick) { rig in
            let request = rig.request(type, "hang")
            try rig.start([request])
            _ = await rig.wait(request) { !$0.logs.isEmpty }
            try rig.cancel(request, .timeout, grace: 20_000)
            let seen = await rig.wait(request) { $0.result != nil && $0.hasCodeEnded }
            #expect(seen.result?.class == .timedOut)
            #expect(try await rig.run(rig.request(type, "ok")).result?.success == true)
        }
    }

    @Test("a condemned worker lets its other attempts end")
    func condemned() async throws {
        var settings = quick
        // However slow the machine is, neither time ends it first.
        settings.condemnedTime = 600_000_000
        settings.condemnedPingTime = 600_000_000
        try await Rig.with(workspace, pool: settings) { rig in
            let hanging = rig.request("parallel", "hang")
            let waiting = rig.request("parallel", "wait")
            try rig.start([hanging, waiting])
            _ = await rig.wait(hanging) { !$0.logs.isEmpty }
            _ = await rig.wait(waiting) { !$0.logs.isEmpty }
            try rig.cancel(hanging, .timeout, grace: 20_000)
            let given = await rig.wait(hanging) { $0.result != nil }
            #expect(given.result?.class == .timedOut && !given.hasCodeEnded)
            let replacement = try await rig.run(rig.request("parallel", "ok"))
            #expect(replacement.ranOn != given.ranOn)
            try rig.cancel(waiting, .user, grace: 600_000_000)
            let ended = await rig.wait(waiting) { $0.result != nil && $0.hasCodeEnded }
            #expect(ended.result?.class == .cancelled && ended.result?.errorCode == "zoo.cancelled")
            _ = await rig.wait(hanging) { $0.hasCodeEnded }
        }
    }

    @Test("a condemned worker's other attempts are interrupted after a while")
    func condemnedForLong() async throws {
        var settings = quick
        settings.condemnedTime = 100_000
        try await Rig.with(workspace, pool: settings) { rig in
            let hanging = rig.request("parallel", "hang")
            let waiting = rig.request("parallel", "wait")
            try rig.start([hanging, waiting])
            _ = await rig.wait(hanging) { !$0.logs.isEmpty }
            _ = await rig.wait(waiting) { !$0.logs.isEmpty }
            try rig.cancel(hanging, .user, grace: 20_000)
            let seen = await rig.wait(waiting) { $0.result != nil && $0.hasCodeEnded }
            #expect(seen.result?.class == .interrupted)
            let given = await rig.wait(hanging) { $0.hasCodeEnded }
            #expect(given.result?.class == .cancelled)
        }
    }

    @Test("a worker that does not answer is killed")
    func stopped() async throws {
        var settings = quick
        settings.pingInterval = 200_000
        settings.pingTime = 1_000_000
        try await Rig.with(workspace, pool: settings) { rig in
            let seen = try await rig.run(rig.request("serial", "stop"))
            #expect(seen.result?.class == .crashed)
            #expect(seen.result?.errorMessage?.contains("did not answer") == true)
        }
    }

    @Test("a plugin that closes everything ends its worker")
    func closed() async throws {
        try await Rig.with(workspace, pool: quick) { rig in
            let seen = try await rig.run(rig.request("serial", "close"))
            #expect(seen.result?.class == .crashed)
            #expect(try await rig.run(rig.request("serial", "ok")).result?.success == true)
        }
    }

    @Test("a plugin that keeps its worker's socket full holds nobody up, and is ended")
    func flood() async throws {
        try await Rig.with(workspace, pool: quick) { rig in
            let request = rig.request("serial", "flood")
            try rig.start([request])
            _ = await rig.wait(request) { !$0.logs.isEmpty }
            #expect(try await rig.run(rig.request("parallel", "ok")).result?.success == true)
            try rig.cancel(request, .timeout, grace: 20_000)
            let seen = await rig.wait(request) { $0.result != nil && $0.hasCodeEnded }
            // Where a write found room for half a frame only, what follows is no protocol any more, and that ends it before.
            let isTimedOut = seen.result?.class == .timedOut
            let isBroken = seen.result?.errorMessage?.contains("not the protocol") == true
            #expect(isTimedOut || (seen.result?.class == .crashed && isBroken), "\(String(describing: seen.result))")
        }
    }

    @Test("a worker is ready once: it is ended when its plugin says so again")
    func readyTwice() async throws {
        try await Rig.with(workspace, pool: quick) { rig in
            let seen = try await rig.run(rig.request("serial", "ready"))
            #expect(seen.result?.class == .crashed)
            #expect(seen.result?.errorMessage?.contains("not the protocol") == true)
        }
    }

    @Test("code that goes on after its result is ended after its deadline")
    func linger() async throws {
        try await Rig.with(workspace, pool: quick) { rig in
            let seen = try await rig.run(rig.request("serial", "linger", timeout: 200_000))
            #expect(seen.result?.resultData == "done")
        }
    }

    @Test("what a serial attempt prints is its own")
    func print() async throws {
        try await Rig.with(workspace, pool: quick) { rig in
            let seen = try await rig.run(rig.request("serial", "print"))
            #expect(seen.logs.map(\.message) == ["printed"])
            #expect(seen.logs.map(\.stream) == [.stdout])
        }
    }

    @Test("an instance that cannot be made fails its attempts with the plugin's reason")
    func badConfiguration() async throws {
        try workspace.write("config: { bad: bad }\n", to: "zoo.yaml")
        try await Rig.with(workspace, pool: quick) { rig in
            let seen = try await rig.run(rig.request("serial", "ok"))
            #expect(seen.result?.class == .retryable && seen.result?.errorCode == "spindle.worker.start")
            #expect(seen.result?.errorMessage?.contains("bad is not allowed at /bad (zoo.config)") == true)
            #expect(seen.result?.retryAfter ?? 0 >= 100_000)
        }
    }

    @Test("workers are used again, retired when idle, and none is left at the end")
    func lives() async throws {
        var settings = quick
        var pids: Set<Int32> = []
        // Longer than any machine needs between two attempts.
        settings.idleTime = 600_000_000
        try await Rig.with(workspace, pool: settings) { rig in
            let first = try await rig.run(rig.request("serial", "ok"))
            let second = try await rig.run(rig.request("serial", "ok"))
            #expect(first.ranOn == second.ranOn)
            pids.insert(try #require(Self.pid(second)))
        }
        settings.idleTime = 50_000
        try await Rig.with(workspace, pool: settings) { rig in
            let second = try await rig.run(rig.request("serial", "ok"))
            let pid = try #require(Self.pid(second))
            // Retired: its process goes away by itself.
            if let watched = try? WatchedProcess(pid) { await watched.end() }
            let third = try await rig.run(rig.request("serial", "ok"))
            #expect(third.ranOn != second.ranOn)
            pids.insert(try #require(Self.pid(third)))
            let hanging = rig.request("serial", "hang")
            try rig.start([hanging])
            let seen = await rig.wait(hanging) { !$0.logs.isEmpty }
            if let pid = Self.pid(seen) { pids.insert(pid) }
        }
        for pid in pids { #expect(kill(pid, 0) == -1 && errno == ESRCH) }
    }

    private static func pid(_ seen: Rig.Seen) -> Int32? {
        seen.ranOn.flatMap { $0.split(separator: " ").last }.flatMap { Int32($0) }
    }
}
