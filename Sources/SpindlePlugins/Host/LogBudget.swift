/// How much a plugin may write into the host's own log: a burst, then a steady rate. What it prints must not fill the disk. Pure.
struct LogBudget {
    /// What becomes of a line.
    enum Verdict: Hashable {
        /// It is written; so many before it were dropped since the last one.
        case written(droppedBefore: Int64)
        /// It is dropped; the first one after a line that was written.
        case firstDropped
        /// It is dropped like the one before it.
        case dropped
    }

    private static let burst: Int64 = 256 * 1024
    /// Bytes a second.
    private static let rate: Int64 = 16 * 1024
    /// Once lines are dropped, none is written before so much may be: blocks of lines say more than single ones.
    private static let block: Int64 = 64 * 1024

    private var left = Self.burst
    private var filledAt: Int64?
    private var dropped: Int64 = 0

    /// Spends what a line takes, if it is there.
    ///
    /// - Parameter now: Microseconds of a clock that only goes forward.
    mutating func spend(_ bytes: Int, now: Int64) -> Verdict {
        let before = filledAt ?? now
        let elapsed = min(max(now - before, 0), 1_000_000 * Self.burst / Self.rate)
        let earned = elapsed * Self.rate / 1_000_000
        // The time of a part of a byte is not forgotten.
        filledAt = max(now, before) - (elapsed - earned * 1_000_000 / Self.rate)
        left = min(left + earned, Self.burst)
        guard left >= (dropped == 0 ? Int64(bytes) : Self.block) else {
            dropped += 1
            return dropped == 1 ? .firstDropped : .dropped
        }
        left -= Int64(bytes)
        defer { dropped = 0 }
        return .written(droppedBefore: dropped)
    }
}
