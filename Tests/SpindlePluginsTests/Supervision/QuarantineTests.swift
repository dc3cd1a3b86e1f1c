import SpindleCore
import Synchronization
import Testing

@testable import SpindlePlugins

/// Plugins whose workers die too often, with real workers.
@Suite(.timeLimit(.minutes(5)))
struct QuarantineTests {
    private let workspace: Workspace

    init() throws {
        workspace = try Workspace()
        try workspace.addZoo()
    }

    /// Has the plugin crash three times, by its executors together.
    private func crashThrice(_ rig: Rig) async throws {
        for type in ["serial", "parallel", "async"] {
            #expect(try await rig.run(rig.request(type, "crash")).result?.class == .crashed)
        }
    }

    private func status(_ rig: Rig) -> PluginListing.Status? { rig.host.listings.first { $0.file == "zoo.so" }?.status }

    @Test("three crashes of a plugin, whichever its executors, quarantine it: attempts are deferred until it is released")
    func quarantine() async throws {
        try await Rig.with(workspace, quarantineAfter: 3) { rig in
            let executor = try #require(rig.executors["serial"])
            let changes = Mutex(0)
            executor.reportPauses { changes.withLock { $0 += 1 } }
            try await crashThrice(rig)
            let reason = try #require(executor.pauseReason)
            #expect(reason.contains("SIGSEGV at address 0x0 in plugin+0x"))
            #expect(reason.contains("attempt 1 of execution"))
            #expect(status(rig) == .quarantined(reason))
            #expect(changes.withLock { $0 } == 1)
            for type in ["serial", "parallel", "async"] {
                let seen = try await rig.run(rig.request(type, "ok"))
                #expect(seen.result?.class == .deferred && seen.result?.errorCode == "spindle.plugin.quarantined")
                #expect(seen.ranOn == nil)
            }
            try await rig.host.release("zoo")
            #expect(executor.pauseReason == nil && status(rig) == .serving)
            #expect(changes.withLock { $0 } == 2)
            #expect(try await rig.run(rig.request("serial", "ok")).result?.success == true)
        }
    }

    @Test("with the breaker off the same plugin goes on crashing")
    func off() async throws {
        try await Rig.with(workspace, quarantineAfter: 0) { rig in
            try await crashThrice(rig)
            #expect(status(rig) == .serving)
            #expect(try await rig.run(rig.request("serial", "ok")).result?.success == true)
        }
    }

    @Test("it survives a restart of the host, but not other bytes")
    func restart() async throws {
        try await Rig.with(workspace, quarantineAfter: 3) { try await crashThrice($0) }
        try await Rig.with(workspace, quarantineAfter: 3) { rig in
            guard case .quarantined = status(rig) else {
                Issue.record("\(String(describing: status(rig)))")
                return
            }
            let seen = try await rig.run(rig.request("serial", "ok"))
            #expect(seen.result?.class == .deferred)
        }
        // The same code, linked once more with another note in it.
        try workspace.compile("zoo", as: "zoo", flags: ["-DANOTHER", "-Wl,--build-id=0x1234"])
        try await Rig.with(workspace, quarantineAfter: 3) { rig in
            #expect(status(rig) == .serving)
            let seen = try await rig.run(rig.request("serial", "ok"))
            #expect(seen.result?.success == true)
        }
    }

    @Test("a release is kept too; of what is not quarantined there is nothing to release")
    func released() async throws {
        try await Rig.with(workspace, quarantineAfter: 3) { rig in
            try await crashThrice(rig)
            try await rig.host.release("zoo.so")
            await #expect(throws: SpindleError.self) { try await rig.host.release("zoo") }
            await #expect(throws: SpindleError.self) { try await rig.host.release("nobody") }
        }
        try await Rig.with(workspace, quarantineAfter: 3) { #expect(status($0) == .serving) }
    }

    @Test("a plugin that dies at each start is quarantined and not started again and again")
    func dyingStart() async throws {
        try workspace.write("config: { die: true }\n", to: "zoo.yaml")
        try await Rig.with(workspace, quarantineAfter: 3) { rig in
            var deferred: ExecutionResult?
            for number in 0..<20 {
                let result = try #require(try await rig.run(rig.request("serial", "ok")).result)
                if result.class == .deferred {
                    deferred = result
                    #expect(number == 3)
                    break
                }
                #expect(result.errorCode == "spindle.worker.start")
            }
            #expect(deferred != nil)
            guard case .quarantined(let reason) = status(rig) else {
                Issue.record("\(String(describing: status(rig)))")
                return
            }
            #expect(reason.contains("while it was starting") && reason.contains("SIGABRT"))
        }
    }
}
