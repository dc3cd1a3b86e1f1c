/// One row of the benchmark: what is run, and how hard.
struct BenchScenario: Sendable {
    /// Where the no-op runs.
    enum Level: String, Sendable, CaseIterable {
        /// A no-op in the engine itself: what the engine and the store cost.
        case engine
        /// The plugin `bench`, loaded here.
        case inProcess = "in-process"
        /// The plugin `bench` in a worker process.
        case worker
    }

    var level: Level
    /// Attempts at once.
    var slots: Int32
    /// Tasks that submit.
    var submitters: Int
    /// Executions in a submission.
    var batch: Int
    /// Payload bytes of an execution.
    var payload: Int
    /// How long it submits.
    var seconds: Double

    /// The three rows that the documentation quotes for a level: full, with the default slots, and one at a time.
    static func standard(_ level: Level, like base: BenchScenario) -> [BenchScenario] {
        var full = base
        full.level = level
        var defaultSlots = full
        defaultSlots.slots = 10
        var single = full
        single.slots = 10
        single.submitters = 1
        single.batch = 1
        single.seconds = min(base.seconds, 10)
        return [full, defaultSlots, single]
    }

    var isOneInFlight: Bool { submitters == 1 && batch == 1 }
}
