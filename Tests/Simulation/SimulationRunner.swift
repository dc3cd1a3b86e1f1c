import Synchronization

/// Runs many seeds and tells how to repeat the ones that fail.
package struct SimulationRunner: Sendable {
    package var seeds = 10_000
    package var events = 2_000
    package var firstSeed: UInt64 = 1
    package var tasks = 2

    /// What many seeds came to.
    package struct Report: Sendable {
        package var seeds = 0
        package var events = 0
        package var attempts = 0
        package var violation: Violation?
    }

    package init() {}

    /// Runs the seeds until one of them breaks a promise.
    package func run() async -> Report {
        let progress = Progress()
        return await withTaskGroup(of: Report.self) { group in
            for _ in 0..<tasks { group.addTask { work(progress) } }
            var sum = Report()
            for await report in group {
                sum.seeds += report.seeds
                sum.events += report.events
                sum.attempts += report.attempts
                // Of two seeds that failed at once, the same one is always told.
                if let violation = report.violation, violation.seed < sum.violation?.seed ?? .max { sum.violation = violation }
            }
            return sum
        }
    }

    /// What the tasks share.
    private final class Progress: Sendable {
        let next = Atomic<Int>(0)
        let isBroken = Atomic<Bool>(false)
    }

    private func work(_ progress: Progress) -> Report {
        var report = Report()
        while !progress.isBroken.load(ordering: .relaxed) {
            let index = progress.next.add(1, ordering: .relaxed).oldValue
            guard index < seeds else { break }
            let simulation = Simulation(seed: firstSeed + UInt64(index))
            report.violation = simulation.run(events: events)
            report.seeds += 1
            report.events += simulation.eventCount
            report.attempts += simulation.codes.count
            guard report.violation == nil else {
                progress.isBroken.store(true, ordering: .relaxed)
                break
            }
        }
        return report
    }
}

extension Violation: CustomStringConvertible {
    /// What was broken, and the line that repeats it.
    package var description: String {
        "\(invariant) is broken: \(message)\n  event \(event) of SPINDLE_SEED=\(seed) swift test --filter Simulator"
    }
}
