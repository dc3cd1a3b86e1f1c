import FoundationEssentials
import Glibc
import SpindleCore
import SpindleEngine
import TestSupport
import Testing

@testable import SpindlePlugins

@Suite("Triggers: plugins that submit jobs", .timeLimit(.minutes(10)))
struct TriggerTests {
    private let workspace: Workspace

    init() throws { workspace = try Workspace() }

    /// Runs what the triggers submit, and says what it was.
    private final class Probe: JobExecutor {
        let executorType: String
        private let seen = AsyncStream.makeStream(of: ExecutionContext.self)

        init(_ type: String = "probe") { executorType = type }

        func execute(_ context: ExecutionContext) async -> ExecutionResult {
            seen.continuation.yield(context)
            return .success()
        }

        /// The next ones.
        func next(_ count: Int) async -> [ExecutionContext] {
            var result: [ExecutionContext] = []
            for await context in seen.stream {
                result.append(context)
                if result.count == count { break }
            }
            return result
        }
    }

    /// Takes nothing before its gate is open.
    private struct StalledTaker: SubmissionTaker {
        let engine: JobExecutionEngine
        let gate: Gate

        func submit(_ batch: [Submission]) async throws -> [Result<SubmissionReceipt, SpindleError>] {
            await gate.wait()
            return try await engine.submit(batch)
        }
    }

    private static var atOnce: ReloadSettings {
        var settings = ReloadSettings()
        settings.trialAttempts = 0
        return settings
    }

    private func put(version: Int = 1, config: String, submits: String = "[probe]", isolation: String = "worker") throws {
        try workspace.write(
            "isolation: \(isolation)\nsubmits: \(submits)\ntriggers: [{name: t, uses: ticker, config: \(config)}]\n",
            to: "ticker.yaml"
        )
        try workspace.compile("ticker", as: "ticker", flags: ["-DVERSION=\(version)"])
    }

    private func ticks(_ contexts: [ExecutionContext]) -> [Int] {
        contexts.compactMap { $0.parameters["tick"].flatMap { Int($0) } }.sorted()
    }

    /// With a probe there before the triggers begin.
    private func with(_ probe: Probe, _ body: (ReloadRig) async throws -> Void) async throws {
        try await ReloadRig.with(workspace, settings: Self.atOnce, register: [probe], body)
    }

    @Test func everySubmissionRunsOnceWithAllThatWasSaid() async throws {
        try put(config: "{count: 2500}")
        let probe = Probe()
        try await with(probe) { rig in
            let contexts = await probe.next(2500)
            #expect(ticks(contexts) == Array(0..<2500), "more than may be without an answer at once")
            let first = try #require(contexts.first)
            #expect(first.jobType == "tick" && first.parameters["version"] == "1")
            #expect(first.payload == Payload("payload", contentType: "text/plain"))
            #expect(rig.plugins.triggers(of: "ticker").map(\.state) == [.running])
            let list = rig.plugins.listings.first
            #expect(list?.types == ["idle"] && list?.manifest?.triggers.map(\.type) == ["ticker"])
        }
    }

    @Test(arguments: ["worker", "sandbox"])
    func aCrashLosesNothingAndRunsNothingTwice(_ isolation: String) async throws {
        let marker = "\(workspace.path)/marker"
        try #require(mkdir(marker, 0o777) == 0 && chmod(marker, 0o777) == 0 && chmod(workspace.path, 0o755) == 0)
        try workspace.write(
            """
            isolation: \(isolation)
            \(isolation == "sandbox" ? "needs: {write: [\"\(marker)\"]}" : "")
            submits: [probe]
            triggers: [{name: t, uses: ticker, config: {count: 40, keys: 1, oneByOne: 1, crash: "\(marker)/crashed"}}]
            """,
            to: "ticker.yaml"
        )
        try workspace.compile("ticker", as: "ticker")
        let probe = Probe()
        try await with(probe) { rig in
            _ = try #require(rig.trigger(), "\(rig.plugins.listings)")
            // It begins again at 0: the keys tell what is there already.
            #expect(ticks(await probe.next(40)) == Array(0..<40))
            #expect(access("\(marker)/crashed", F_OK) == 0)
            let ids = try await rig.engine.reader.executions(ExecutionFilter(), limit: 200, before: nil).map(\.id)
            #expect(ids.count == 40)
        }
    }

    @Test func typesThatWereNotGrantedAreRefused() async throws {
        try put(config: "{count: 5, outcome: 2, type: other}")
        let other = Probe("other")
        try await with(other) { rig in
            let trigger = try #require(rig.trigger())
            await trigger.state { if case .failed = $0 { true } else { false } }
            #expect(trigger.report.refused == 5 && trigger.report.accepted == 0)
            #expect(trigger.report.lastRefusal == "A job of type other may not be submitted from there; allowed: probe.")
            #expect(try await rig.engine.reader.executions(ExecutionFilter(), limit: 10, before: nil).isEmpty)
        }
    }

    @Test func aMissingExecutorIsNotTheEndOfAJob() async throws {
        try put(config: "{count: 3, outcome: 2, type: nobody}", submits: "[nobody]")
        try await with(Probe()) { rig in
            let trigger = try #require(rig.trigger())
            await trigger.state { if case .failed = $0 { true } else { false } }
            #expect(trigger.report.deferred == 3 && trigger.report.refused == 0)
        }
    }

    @Test func aFailureForGoodWaitsForTheOperator() async throws {
        try put(config: "{count: 1, outcome: 2}")
        let probe = Probe()
        try await with(probe) { rig in
            let trigger = try #require(rig.trigger())
            await trigger.state { $0 == .failed("it has ticked enough") }
            try workspace.write("submits: [probe]\ntriggers: [{name: t, uses: ticker, config: {count: 7}}]\n", to: "ticker.yaml")
            _ = try await rig.reload("ticker")
            #expect(ticks(await probe.next(8)) == [0, 0, 1, 2, 3, 4, 5, 6])
        }
    }

    @Test func oneThatEndsIsBegunAgain() async throws {
        try put(config: "{count: 2, outcome: 1}")
        let probe = Probe()
        try await with(probe) { _ in #expect(ticks(await probe.next(4)) == [0, 0, 1, 1]) }
    }

    /// What an attempt may hand over is its own: the one before has gone, and nobody has heard of its submissions yet.
    @Test func aStalledStoreIsNoReasonToKillAWorker() async throws {
        try put(config: "{count: 1000, outcome: 1, leaves: 1}")
        let probe = Probe()
        let gate = Gate()
        try await ReloadRig.with(
            workspace,
            settings: Self.atOnce,
            register: [probe],
            submittingTo: { StalledTaker(engine: $0, gate: gate) }
        ) { rig in
            let trigger = try #require(rig.trigger())
            await trigger.state { if case .resting = $0 { true } else { false } }
            await trigger.state { $0 == .running }
            await trigger.state { $0 == .resting("it has ticked enough") }
            gate.open()
            #expect(ticks(await probe.next(2000)).count == 2000)
        }
    }

    @Test func itCanBeToldToRestBeforeItHasBegun() async throws {
        try put(config: "{count: 0, oneByOne: 1}")
        try await with(Probe()) { rig in
            let trigger = try #require(rig.trigger())
            for _ in 0..<200 {
                await trigger.rest()
                trigger.begin(submittingTo: rig.engine)
            }
            await trigger.state { $0 == .running }
        }
    }

    @Test func aNewVersionTakesOverAndTheOldOneIsSilent() async throws {
        try put(config: "{count: 0, oneByOne: 1}")
        let probe = Probe()
        try await with(probe) { rig in
            _ = await probe.next(50)
            let old = try #require(rig.trigger())
            try put(version: 2, config: "{count: 0, oneByOne: 1}")
            _ = try await rig.reload("ticker")
            #expect(old.report.state == .stopped)
            var versions: [String] = []
            while versions.filter({ $0 == "2" }).count < 50 {
                versions += await probe.next(1).compactMap { $0.parameters["version"] }
            }
            #expect(versions.drop { $0 == "1" }.allSatisfy { $0 == "2" })
        }
    }

    @Test func itRestsWithItsPluginAndWithTheHost() async throws {
        try put(config: "{count: 0, oneByOne: 1}")
        let probe = Probe()
        try await with(probe) { rig in
            _ = await probe.next(10)
            let trigger = try #require(rig.trigger())
            try #require(unlink("\(workspace.plugins)/ticker.so") == 0)
            _ = try await rig.reload("ticker")
            #expect(trigger.report.state == .stopped)
            try put(config: "{count: 0, oneByOne: 1}")
            _ = try await rig.reload("ticker")
            _ = await probe.next(10)
            await rig.plugins.restTriggers()
            #expect(rig.plugins.triggers(of: "ticker").map(\.state) == [.stopped])
        }
    }

    @Test func anExecutorCannotSubmit() async throws {
        try put(config: "{count: 1}")
        try await with(Probe()) { rig in
            let id = try await rig.submit(type: "idle")
            #expect(try await rig.version(id) == "refused")
        }
    }

    @Test(arguments: [
        ("triggers: [{name: t, uses: tocker}]\nsubmits: [probe]", "its sidecar uses the trigger \"tocker\"; the plugin has ticker"),
        (
            "triggers: [{name: t, uses: ticker}]",
            "its sidecar does not say what its triggers may submit to: submits: [TYPE, …]"
        ),
        (
            "isolation: in-process\nallowInProcess: true\ntriggers: [{name: t, uses: ticker}]\nsubmits: [probe]",
            "its trigger \"t\" must not run in the host; set isolation: worker"
        ),
        (
            "triggers: [{name: t, uses: ticker, config: {count: -1}}]\nsubmits: [probe]",
            "/count in the configuration of \"t\" must be at least 0"
        ),
    ])
    func sidecarsThatDoNotFitAreRefused(_ sidecar: String, _ reason: String) async throws {
        try put(config: "{}")
        try workspace.write(sidecar, to: "ticker.yaml")
        try await with(Probe()) { rig in
            let listing = try #require(rig.listing("ticker"))
            guard case .refused(let why) = listing.status else {
                Issue.record("\(listing.status)")
                return
            }
            #expect(why.hasPrefix(reason), "\(why)")
        }
    }
}

extension PluginTrigger {
    /// Waits until it does what was looked for.
    fileprivate func state(_ fits: @escaping @Sendable (TriggerReport.State) -> Bool) async {
        let (reports, continuation) = AsyncStream.makeStream(of: TriggerReport.self)
        observe { continuation.yield($0) }
        for await report in reports where fits(report.state) { return }
    }
}
