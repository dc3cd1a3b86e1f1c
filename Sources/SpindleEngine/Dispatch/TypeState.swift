import SpindleCore

/// What the dispatcher knows about one executor type.
package struct TypeState {
    package let name: String
    /// The index of its plugin; types of one plugin share its slots.
    package var plugin: Int?
    /// Whether an executor for it is here.
    package var isServed = false
    /// Its executor takes nothing for now: work waits in the store.
    package var isPaused = false
    package var limit: Int32
    /// Slots held by code.
    package var used: Int32 = 0
    /// Slots kept free for a claim under way.
    package var reserved: Int32 = 0
    /// Claimed and waiting for a slot.
    package var ready = ReadyQueue()
    /// Claimed and waiting for their concurrency key.
    package var parked = 0
    /// Inserted as claimed, not committed yet.
    package var admitted = 0
    /// The store may hold queued executions of this type.
    package var storeMayHaveReady = false
    /// How many a claim under way asked for.
    package var claimInFlight = 0
    /// New work came while a claim was under way: its short answer does not mean that there is no more.
    var hintedDuringClaim = false
    /// When it last got a slot, in turns: the lowest has waited longest.
    var lastServed: UInt64 = 0
    var pace = Pace()

    init(name: String, limit: Int32) {
        self.name = name
        self.limit = limit
    }

    package var busy: Int32 { used + reserved }

    /// Whether attempts may be given to an executor.
    package var takesWork: Bool { isServed && !isPaused }
}

/// How fast a type's attempts end, for the size of the run-ahead.
struct Pace {
    /// Mean run time in microseconds (exponential average, weight 1/16); nil before the first end.
    private(set) var meanRun: Double?
    /// Ends a second (exponential average over windows of 100 ms).
    private(set) var endsPerSecond = 0.0
    private var windowStart: Int64 = 0
    private var windowEnds = 0

    mutating func ended(runMicroseconds: Int64, now: Int64) {
        let run = Double(runMicroseconds)
        meanRun = meanRun.map { $0 + (run - $0) / 16 } ?? run
        windowEnds += 1
        let elapsed = now - windowStart
        if elapsed >= 100_000 {
            let rate = Double(windowEnds) * 1_000_000 / Double(elapsed)
            endsPerSecond = elapsed > 2_000_000 ? rate : endsPerSecond + (rate - endsPerSecond) / 4
            windowStart = now
            windowEnds = 0
        }
    }

    /// How many claims may run ahead of free slots: `min(1,024, 2 × rate × commit latency)`, none for slow work.
    ///
    /// - Parameter commitLatency: Microseconds.
    func runAhead(commitLatency: Double) -> Int {
        guard let meanRun, meanRun <= 100_000 else { return 0 }
        return Int(min(1024, 2 * endsPerSecond * commitLatency / 1_000_000))
    }
}
