import Foundation
import SpindleSimulation
import Testing

@Suite struct Simulator {
    /// A few seeds in every test run; `spindle-simulator` runs ten thousand in an optimised build. `SPINDLE_SEED` repeats one.
    @Test func seedsKeepEveryPromise() async {
        var runner = SimulationRunner()
        runner.seeds = 200
        if let seed = ProcessInfo.processInfo.environment["SPINDLE_SEED"].flatMap(UInt64.init) {
            runner.firstSeed = seed
            runner.seeds = 1
        }
        let report = await runner.run()
        #expect(report.violation == nil)
        #expect(report.seeds == runner.seeds)
    }
}
