import SpindleSimulation

/// `spindle-simulator [--seeds N] [--events N] [--seed N] [--plant-mutants DIRECTORY]`: many seeds in an optimised build.
@main
struct Simulator {
    static func main() async throws {
        var runner = SimulationRunner()
        var arguments = CommandLine.arguments.dropFirst().makeIterator()
        while let argument = arguments.next() {
            guard let value = arguments.next() else { fatalError("\(argument) needs a value") }
            switch (argument, Int(value)) {
            case ("--seeds", let number?): runner.seeds = number
            case ("--events", let number?): runner.events = number
            case ("--seed", let number?):
                runner.firstSeed = UInt64(number)
                runner.seeds = 1
            case ("--plant-mutants", _): return try Mutants.plant(in: value)
            default: fatalError("\(argument) \(value) is not known")
            }
        }
        let clock = ContinuousClock()
        let began = clock.now
        let report = await runner.run()
        print("\(report.seeds) seeds, \(report.events) events, \(report.attempts) attempts in \(clock.now - began)")
        if let violation = report.violation {
            print(violation)
            exit(1)
        }
    }
}

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif
