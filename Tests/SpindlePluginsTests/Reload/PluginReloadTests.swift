import FoundationEssentials
import Glibc
import SpindleCore
import Testing

@testable import SpindlePlugins

@Suite("Plugins that change while the host runs", .timeLimit(.minutes(10)))
struct PluginReloadTests {
    private let workspace: Workspace

    init() throws { workspace = try Workspace() }

    /// No trial: every change counts at once.
    private static var atOnce: ReloadSettings {
        var settings = ReloadSettings()
        settings.trialAttempts = 0
        return settings
    }

    @Test func aNewVersionTakesNewAttemptsAndTheOldOneEndsItsOwn() async throws {
        try ReloadRig.put(1, into: workspace)
        try await ReloadRig.with(workspace, settings: Self.atOnce) { rig in
            let long = try await rig.submit("wait", ["until": "\(workspace.path)/go"])
            try await rig.waitUntilWaiting(long)
            try rig.put(2)
            let listing = try await rig.reload()
            #expect(listing?.status == .serving && listing?.manifest?.version == "1.2.0")
            let next = try await rig.submit()
            #expect(try await rig.version(next) == "2")
            try Data().write(to: URL(filePath: "\(workspace.path)/go"))
            #expect(try await rig.version(long) == "1", "it began in the old version and ends there")
            try await rig.end(of: rig.process(long))
            let last = try await rig.submit()
            #expect(try await rig.version(last) == "2")
            #expect(try await rig.process(last) == rig.process(next), "the new version's worker stays")
        }
    }

    @Test func theWatchTakesAChangeUpByItself() async throws {
        try ReloadRig.put(1, into: workspace)
        try await ReloadRig.with(workspace, settings: Self.atOnce) { rig in
            try rig.put(2)
            // Each try is an execution: no time is waited for.
            while try await rig.version(rig.submit()) != "2" {}
        }
    }

    @Test func aNewFileServesAndARemovedOneDrains() async throws {
        try await ReloadRig.with(workspace) { rig in
            let early = await #expect(throws: SpindleError.self) { try await rig.submit() }
            #expect(early?.code == .noExecutor)
            try rig.put(1)
            #expect(try await rig.reload()?.status == .serving)
            let long = try await rig.submit("wait", ["until": "\(workspace.path)/go"])
            try await rig.waitUntilWaiting(long)
            try #require(unlink("\(workspace.plugins)/version.so") == 0)
            #expect(try await rig.reload() == nil)
            let late = await #expect(throws: SpindleError.self) { try await rig.submit() }
            #expect(late?.code == .noExecutor)
            try Data().write(to: URL(filePath: "\(workspace.path)/go"))
            #expect(try await rig.version(long) == "1")
            try await rig.end(of: rig.process(long))
        }
    }

    @Test(arguments: [ReloadRig.Fault.factory, .create, .check])
    func aVersionThatDoesNotStartIsNotUsed(_ fault: ReloadRig.Fault) async throws {
        try ReloadRig.put(1, into: workspace)
        try await ReloadRig.with(workspace, settings: Self.atOnce) { rig in
            try rig.put(2, fault)
            let listing = try await rig.reload()
            #expect(listing?.status == .serving)
            #expect(listing?.manifest?.version == "1.1.0")
            #expect(listing?.note?.hasPrefix("an older version serves; the file that is there now is not used: ") == true)
            #expect(try await rig.version(rig.submit()) == "1")
            try rig.put(3)
            #expect(try await rig.reload()?.note == nil)
            #expect(try await rig.version(rig.submit()) == "3")
        }
    }

    @Test func garbageInPlaceOfAPluginIsNotUsed() async throws {
        try ReloadRig.put(1, into: workspace)
        try await ReloadRig.with(workspace, settings: Self.atOnce) { rig in
            try rig.workspace.write("no library", to: "version.so")
            let listing = try await rig.reload()
            #expect(listing?.status == .serving && listing?.note != nil)
            #expect(try await rig.version(rig.submit()) == "1")
        }
    }

    @Test(arguments: [ReloadRig.Fault.fail, .crash])
    func aVersionWhoseFirstAttemptsFailIsTakenBack(_ fault: ReloadRig.Fault) async throws {
        try ReloadRig.put(1, into: workspace)
        var settings = ReloadSettings()
        settings.trialAttempts = 6
        try await ReloadRig.with(workspace, settings: settings) { rig in
            #expect(try await rig.version(rig.submit()) == "1")
            try rig.put(2, fault)
            #expect(try await rig.reload()?.manifest?.version == "1.2.0")
            var failed = 0
            while try await rig.version(rig.submit()) == nil { failed += 1 }
            // More than half of six; three crashes are a quarantine before that.
            #expect(failed >= (fault == .crash ? 3 : 4))
            let listing = try #require(rig.listing())
            #expect(listing.manifest?.version == "1.1.0")
            let reason = fault == .crash ? "it is quarantined: " : "4 of its first 4 attempts failed"
            #expect(listing.note?.contains("was taken back: \(reason)") == true, "\(listing)")
            // The same bytes are not tried again by themselves, only on request.
            try rig.workspace.write("# nothing", to: "other.yaml")
            try #require(unlink("\(workspace.plugins)/other.yaml") == 0)
            #expect(try await rig.version(rig.submit()) == "1")
            let again = try await rig.reload()
            #expect(again?.manifest?.version == (fault == .crash ? "1.1.0" : "1.2.0"), "a quarantine outlasts it")
        }
    }

    @Test func whatReplacesAVersionOnTrialIsMeasuredByTheLastThatPassed() async throws {
        try ReloadRig.put(1, into: workspace)
        var settings = ReloadSettings()
        settings.trialAttempts = 6
        try await ReloadRig.with(workspace, settings: settings) { rig in
            #expect(try await rig.version(rig.submit()) == "1")
            try rig.put(2, .fail)
            _ = try await rig.reload()
            #expect(try await rig.version(rig.submit()) == nil)
            // One that cannot serve ends no trial.
            try rig.put(3, .factory)
            #expect(try await rig.reload()?.manifest?.version == "1.2.0")
            // One that fails too is no better for the failures of the one before it.
            try rig.put(4, .fail)
            #expect(try await rig.reload()?.manifest?.version == "1.4.0")
            while try await rig.version(rig.submit()) == nil {}
            #expect(rig.listing()?.manifest?.version == "1.1.0")
        }
    }

    @Test func theHostEndsWhileANewVersionIsLookedAt() async throws {
        try ReloadRig.put(1, into: workspace)
        try await ReloadRig.with(workspace) { rig in
            try rig.put(2, .slow)
            // Nobody waits for it: the end of the host must come all the same.
            Task { _ = try? await rig.reload() }
            #expect(try await rig.version(rig.submit()) == "1")
        }
    }

    @Test func jobsThatFailAnywayTakeNothingBack() async throws {
        try ReloadRig.put(1, into: workspace)
        var settings = ReloadSettings()
        settings.trialAttempts = 4
        try await ReloadRig.with(workspace, settings: settings) { rig in
            for _ in 0..<3 { #expect(try await rig.version(rig.submit("fail")) == nil) }
            try rig.put(2)
            _ = try await rig.reload()
            for _ in 0..<4 { #expect(try await rig.version(rig.submit("fail")) == nil) }
            #expect(try await rig.version(rig.submit()) == "2")
        }
    }

    @Test func aChangedSidecarIsANewVersion() async throws {
        try ReloadRig.put(1, into: workspace)
        try await ReloadRig.with(workspace, settings: Self.atOnce) { rig in
            try rig.workspace.write("executors: [{type: mine, uses: version}]", to: "version.yaml")
            #expect(try await rig.reload()?.types == ["mine"])
            #expect(try await rig.version(rig.submit(type: "mine")) == "1")
            let error = await #expect(throws: SpindleError.self) { try await rig.submit() }
            #expect(error?.code == .noExecutor)
            try rig.workspace.write("enabled: false", to: "version.yaml")
            #expect(try await rig.reload()?.status == .disabled)
            await #expect(throws: SpindleError.self) { try await rig.submit(type: "mine") }
            #expect(try await PluginHost.setEnabled(true, plugin: "version", in: workspace.plugins))
            #expect(try await rig.reload()?.status == .serving)
            #expect(try await rig.version(rig.submit()) == "1")
        }
    }

    @Test func aTypeGoesToTheFileThatWaitedForItWhenItsOwnerLeaves() async throws {
        try ReloadRig.put(1, into: workspace)
        try ReloadRig.put(2, as: "version2", into: workspace)
        try await ReloadRig.with(workspace, settings: Self.atOnce) { rig in
            guard case .conflict = rig.listing("version2")?.status else {
                Issue.record("\(rig.plugins.listings)")
                return
            }
            try #require(unlink("\(workspace.plugins)/version.so") == 0)
            #expect(try await rig.reload("version2")?.status == .serving)
            #expect(try await rig.version(rig.submit()) == "2")
        }
    }

    @Test func aPluginInTheHostsOwnProcessWantsARestart() async throws {
        try ReloadRig.put(1, into: workspace)
        try workspace.write("isolation: in-process\nallowInProcess: true", to: "version.yaml")
        try await ReloadRig.with(workspace, settings: Self.atOnce) { rig in
            #expect(try await rig.version(rig.submit()) == "1")
            try rig.put(2)
            let listing = try await rig.reload()
            guard case .restartNeeded = listing?.status else {
                Issue.record("\(String(describing: listing))")
                return
            }
            #expect(try await rig.version(rig.submit()) == "1")
            // Not by a way around either.
            try #require(unlink("\(workspace.plugins)/version.so") == 0)
            #expect(try await rig.reload() == nil)
            try rig.put(2)
            guard case .restartNeeded = try await rig.reload()?.status else {
                Issue.record("\(String(describing: rig.listing()))")
                return
            }
            await #expect(throws: SpindleError.self) { try await rig.submit() }
        }
    }

    @Test func nobodyAnswersWhereNothingIsTakenUp() async throws {
        let host = try PluginHost(
            configuration: PluginHostConfiguration(directory: workspace.plugins, workerPath: Workspace.worker)
        )
        let asked = Task { try await host.reload() }
        await host.stop()
        await #expect(throws: SpindleError.self) { try await asked.value }
        await #expect(throws: SpindleError.self) { try await host.reload() }
    }
}
