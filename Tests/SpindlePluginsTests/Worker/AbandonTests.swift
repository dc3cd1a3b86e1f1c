import SpindleCore
import Testing

@testable import SpindlePlugins

@Suite(.timeLimit(.minutes(5)))
struct AbandonTests {
    @Test("in the host, code that does not end is given up; after four the plugin takes no new work")
    func abandoned() async throws {
        let workspace = try Workspace()
        try Level.inProcess.prepare(workspace)
        var settings = WorkerPoolSettings()
        settings.stopGrace = 100_000
        try await Rig.with(workspace, pool: settings) { rig in
            for number in 1...4 {
                let request = rig.request("parallel", "hang")
                try rig.start([request])
                _ = await rig.wait(request) { !$0.logs.isEmpty }
                try rig.cancel(request, .timeout, grace: 10_000)
                let seen = await rig.wait(request) { $0.isAbandoned }
                #expect(seen.result?.class == .timedOut && !seen.hasCodeEnded)
                if number < 4 {
                    #expect(try await rig.run(rig.request("parallel", "ok")).result?.success == true)
                }
            }
            let refused = try await rig.run(rig.request("parallel", "ok"))
            #expect(refused.result?.class == .retryable)
            #expect(refused.result?.errorCode == "spindle.plugin.restart-needed")
            guard case .restartNeeded = rig.host.listings.first?.status else {
                Issue.record("\(String(describing: rig.host.listings.first?.status))")
                return
            }
        }
    }
}
