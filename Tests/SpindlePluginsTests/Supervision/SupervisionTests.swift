import Glibc
import SpindleCore
import TestSupport
import Testing

@testable import SpindlePlugins

/// Supervision of real workers.
@Suite(.timeLimit(.minutes(5)))
struct SupervisionTests {
    private let workspace: Workspace

    init() throws {
        workspace = try Workspace()
        try workspace.addZoo()
    }

    private var quick: WorkerPoolSettings {
        var settings = WorkerPoolSettings()
        settings.killDelay = 200_000
        settings.pingInterval = 50_000
        settings.pingTime = 2_000_000
        settings.idleTime = 600_000_000
        return settings
    }

    private static func pid(_ seen: Rig.Seen) throws -> Int32 {
        try #require(seen.ranOn.flatMap { $0.split(separator: " ").last }.flatMap { Int32($0) })
    }

    /// Waits until a process is gone; the test's time limit is the bound.
    private static func gone(_ pid: Int32) async {
        // One that cannot be watched any more has ended.
        if let watched = try? WatchedProcess(pid) { await watched.end() }
    }

    @Test("a runner that is stopped while it is at rest is found and killed, and the next attempt runs")
    func stoppedAtRest() async throws {
        try await Rig.with(workspace, pool: quick) { rig in
            let pid = try Self.pid(try await rig.run(rig.request("serial", "ok")))
            #expect(kill(pid, SIGSTOP) == 0)
            await Self.gone(pid)
            let next = try await rig.run(rig.request("serial", "ok"))
            #expect(next.result?.success == true)
            #expect(try Self.pid(next) != pid)
        }
    }

    @Test("a stopped init is found, and what it should have ended is ended")
    func stoppedInit() async throws {
        try await Rig.with(workspace, pool: quick) { rig in
            let request = rig.request("parallel", "wait")
            try rig.start([request])
            _ = await rig.wait(request) { !$0.logs.isEmpty }
            let report = try #require(await rig.host.reports(of: "zoo").first { $0.type == "parallel" })
            let runner = try #require(report.workers.first?.pid)
            let parent = try #require(Self.parent(of: runner))
            #expect(kill(parent, SIGSTOP) == 0)
            let seen = await rig.wait(request) { $0.result != nil && $0.hasCodeEnded }
            #expect(seen.result?.class == .crashed || seen.result?.class == .interrupted)
            await Self.gone(runner)
            await Self.gone(parent)
        }
    }

    private static func parent(of pid: Int32) -> Int32? {
        guard let text = ProcFile.read("/proc/\(pid)/stat"), let end = text.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = String(decoding: text[(end + 1)...], as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? Int32(fields[1]) : nil
    }

    @Test("a process that a plugin left behind, with a session of its own, ends with its worker")
    func daemon() async throws {
        var pid: Int32 = 0
        try await Rig.with(workspace, pool: quick) { rig in
            let seen = try await rig.run(rig.request("serial", "daemon"))
            pid = try #require(seen.result?.resultData.flatMap { Int32($0) })
            // While the worker lives it is the plugin's affair.
            #expect(kill(pid, 0) == 0)
        }
        await Self.gone(pid)
    }

    @Test("so does one of a worker that crashes, and of one that is killed", arguments: [SIGSEGV, SIGKILL])
    func daemonOfTheDead(_ signal: Int32) async throws {
        try await Rig.with(workspace, pool: quick) { rig in
            let seen = try await rig.run(rig.request("serial", "daemon"))
            let pid = try #require(seen.result?.resultData.flatMap { Int32($0) })
            let worker = try Self.pid(seen)
            #expect(kill(worker, signal) == 0)
            await Self.gone(pid)
        }
    }

    @Test("when init is killed, its runner is dead before the attempt is over")
    func killedInit() async throws {
        try await Rig.with(workspace, pool: quick) { rig in
            for _ in 0..<10 {
                let request = rig.request("parallel", "wait")
                try rig.start([request])
                _ = await rig.wait(request) { !$0.logs.isEmpty }
                let report = try #require(await rig.host.reports(of: "zoo").first { $0.type == "parallel" })
                let runner = try #require(report.workers.last { $0.open == 1 }?.pid)
                let parent = try #require(Self.parent(of: runner))
                #expect(kill(parent, SIGKILL) == 0)
                let seen = await rig.wait(request) { $0.result != nil && $0.hasCodeEnded }
                #expect(seen.result?.class == .crashed || seen.result?.class == .interrupted)
                // It may still be on its way out, but has no memory any more to run code from.
                #expect(ProcessStatus(runner)?.memory ?? 0 == 0)
            }
        }
    }

    @Test("a worker is replaced after as many attempts as the sidecar says; without it, it goes on")
    func recycledByJobs() async throws {
        for limit in [2, nil] {
            try workspace.write(limit.map { "recycle: {jobs: \($0)}\n" } ?? "", to: "zoo.yaml")
            try await Rig.with(workspace) { rig in
                var pids: [Int32] = []
                for _ in 0..<6 { pids.append(try Self.pid(try await rig.run(rig.request("serial", "ok")))) }
                #expect(Set(pids).count == (limit == nil ? 1 : 3), "\(pids)")
                if limit != nil { for pid in pids.prefix(4) { await Self.gone(pid) } }
            }
        }
    }

    @Test("a worker that has grown is replaced; what it took is in the report")
    func recycledByMemory() async throws {
        try workspace.write("recycle: {memory: 64MiB}\n", to: "zoo.yaml")
        try await Rig.with(workspace, pool: quick) { rig in
            let small = try Self.pid(try await rig.run(rig.request("serial", "ok")))
            #expect(try Self.pid(try await rig.run(rig.request("serial", "ok"))) == small)
            #expect(try Self.pid(try await rig.run(rig.request("serial", "grow"))) == small)
            await Self.gone(small)
            #expect(try await rig.run(rig.request("serial", "ok")).result?.success == true)
        }
        try workspace.write("", to: "zoo.yaml")
        try await Rig.with(workspace, pool: quick) { rig in
            let pid = try Self.pid(try await rig.run(rig.request("serial", "grow")))
            while true {
                let worker = try #require(await rig.host.reports(of: "zoo").first { $0.type == "serial" }?.workers.first)
                #expect(worker.pid == pid && worker.started == 1 && worker.open == 0)
                if let memory = worker.memory, memory > 128 << 20 {
                    #expect(worker.processes == 2 && worker.processorTime != nil)
                    break
                }
            }
        }
    }

    @Test("an attempt that says nothing is ended if the sidecar wants to hear of it, and not otherwise")
    func heartbeat() async throws {
        try workspace.write("heartbeatTimeout: 2s\n", to: "zoo.yaml")
        try await Rig.with(workspace, pool: quick) { rig in
            let silent = try await rig.run(rig.request("serial", "wait"))
            #expect(silent.result?.class == .timedOut && silent.result?.errorCode == "spindle.heartbeat")
            // The worker is as good as before: its code ended when it was asked to.
            let next = try await rig.run(rig.request("serial", "ok"))
            #expect(next.ranOn != nil && next.result?.success == true)
            #expect(try await rig.run(rig.request("serial", "beat")).result?.resultData == "alive")
        }
        try workspace.write("", to: "zoo.yaml")
        try await Rig.with(workspace, pool: quick) { rig in
            let request = rig.request("serial", "wait")
            try rig.start([request])
            _ = await rig.wait(request) { !$0.logs.isEmpty }
            #expect(try await rig.run(rig.request("serial", "beat")).result?.resultData == "alive")
            try rig.cancel(request, .user, grace: 600_000_000)
            let seen = await rig.wait(request) { $0.hasCodeEnded }
            #expect(seen.result?.class == .cancelled)
        }
    }

    @Test("check is asked, its reason is shown, and jobs come all the same")
    func check() async throws {
        try workspace.write(
            "executors: [{type: serial}, {type: broken, uses: serial, config: {unready: true}}, {type: parallel}]\n",
            to: "zoo.yaml"
        )
        try await Rig.with(workspace) { rig in
            let executors = try ["serial", "broken", "parallel"].map { try #require(rig.executors[$0] as? PluginExecutor) }
            #expect(await executors[0].check() == .ready)
            #expect(await executors[1].check() == .notReady("the pond is dry (zoo.pond)"))
            #expect(await executors[2].check() == .ready)
            let report = try #require(await executors[1].report())
            #expect(report.readiness == .notReady("the pond is dry (zoo.pond)"))
            #expect(try await rig.run(rig.request("broken", "ok")).result?.success == true)
        }
    }

    @Test("the time that code takes to end is measured for each executor")
    func cancelTimes() async throws {
        try await Rig.with(workspace, pool: quick) { rig in
            for (target, grace) in [("wait", Int64(600_000_000)), ("hang", 20_000)] {
                let request = rig.request("serial", target)
                try rig.start([request])
                _ = await rig.wait(request) { !$0.logs.isEmpty }
                try rig.cancel(request, .user, grace: grace)
                _ = await rig.wait(request) { $0.hasCodeEnded }
            }
            let reports = await rig.host.reports(of: "zoo")
            let serial = try #require(reports.first { $0.type == "serial" })
            #expect(serial.cancels == 2 && serial.ignoredCancels == 1)
            // The second one ended by force only, after its grace.
            #expect(serial.longestCancel ?? 0 >= 20_000)
            #expect(reports.first { $0.type == "parallel" }?.cancels == 0)
        }
    }
}
