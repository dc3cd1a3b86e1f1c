/// How long to wait before the next try, and how many tries there are.
public struct RetryPolicy: Hashable, Sendable {
    /// The shape of the waits; the names are those of the original system.
    public enum Strategy: String, Hashable, Sendable, CaseIterable, Codable {
        /// base, 2 × base, 4 × base, 8 × base …
        case exponential
        /// base, 2 × base, 3 × base …
        case linear
        /// base each time.
        case fixed
        /// No retry at all.
        case none
    }

    /// The shape of the waits.
    public var strategy: Strategy
    /// Retries after the first try: 3 means up to four attempts that fail. 0 … 1,000.
    public var maxRetries: Int32
    /// The first wait in microseconds; 1 ms … 1 h.
    public var baseDelay: Int64
    /// The longest wait in microseconds; at most 1 h unless `retry_after` asks for more.
    public var maxDelay: Int64
    /// The largest share of the wait that chance may add, in permille; 100 is 10 %. It never shortens.
    public var jitterPermille: Int32

    /// Describes a policy; the defaults are those of the engine: 1, 2, 4, 8 s …, three retries, cap 1 h, jitter 0–10 %.
    public init(
        strategy: Strategy = .exponential,
        maxRetries: Int32 = 3,
        baseDelay: Int64 = 1_000_000,
        maxDelay: Int64 = 3_600_000_000,
        jitterPermille: Int32 = 100
    ) {
        self.strategy = strategy
        self.maxRetries = maxRetries
        self.baseDelay = baseDelay
        self.maxDelay = maxDelay
        self.jitterPermille = jitterPermille
    }

    /// The wait after so many failures, without jitter, in microseconds.
    ///
    /// - Parameter failures: Failures so far, from 1.
    public func delay(afterFailures failures: Int32) -> Int64 {
        let number = Int64(max(failures, 1))
        let factor: Int64
        switch strategy {
        case .exponential: factor = number > 40 ? 1 << 40 : 1 << (number - 1)
        case .linear: factor = number
        case .fixed: factor = 1
        case .none: return 0
        }
        let (product, overflow) = baseDelay.multipliedReportingOverflow(by: factor)
        return overflow ? maxDelay : min(product, maxDelay)
    }

    /// The wait with jitter, in microseconds.
    ///
    /// - Parameters:
    ///   - failures: Failures so far, from 1.
    ///   - random: A uniform random word.
    public func delay(afterFailures failures: Int32, random: UInt64) -> Int64 {
        let plain = delay(afterFailures: failures)
        let share = Int64(min(max(jitterPermille, 0), 1000))
        let most = plain / 1000 * share + plain % 1000 * share / 1000
        let (sum, overflow) = plain.addingReportingOverflow(Int64(random % (UInt64(most) + 1)))
        return overflow ? .max : sum
    }

    /// Whether another try may follow after so many failures.
    public func allowsRetry(afterFailures failures: Int32) -> Bool {
        strategy != .none && failures <= maxRetries
    }
}
