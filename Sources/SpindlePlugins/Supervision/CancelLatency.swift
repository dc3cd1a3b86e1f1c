/// How long code takes to end after it was asked to: a histogram of fixed size. Pure.
struct CancelLatency: Hashable, Sendable {
    /// Four buckets for each doubling of microseconds: a quantile is at most a fifth too high.
    private var buckets = [UInt32](repeating: 0, count: 4 * 64)
    /// Attempts that were asked to end while their code ran, and whose code has ended.
    private(set) var count = 0
    /// Attempts whose code went on when its grace was over.
    private(set) var ignored = 0
    /// The longest time, in microseconds.
    private(set) var max: Int64 = 0

    /// The code of an attempt has ended, so many microseconds after it was asked to.
    mutating func ended(after microseconds: Int64) {
        let time = Swift.max(microseconds, 0)
        let bucket = Self.bucket(time)
        if buckets[bucket] < .max { buckets[bucket] += 1 }
        count += 1
        max = Swift.max(max, time)
    }

    /// The grace of an attempt is over, and its code is not.
    mutating func wasIgnored() { ignored += 1 }

    /// A time that the given share of the attempts did not need more than, in microseconds; nil before the first.
    ///
    /// - Parameter share: 0 … 1.
    func quantile(_ share: Double) -> Int64? {
        guard count > 0 else { return nil }
        let wanted = Swift.max(1, Int((Double(count) * Swift.min(Swift.max(share, 0), 1)).rounded(.up)))
        var seen = 0
        for (bucket, number) in buckets.enumerated() {
            seen += Int(number)
            if seen >= wanted { return Swift.min(Self.upperBound(bucket), max) }
        }
        return max
    }

    private static func bucket(_ time: Int64) -> Int {
        guard time >= 4 else { return Int(time) }
        let octave = 63 - time.leadingZeroBitCount
        return 4 * octave + Int((time >> (octave - 2)) & 3)
    }

    private static func upperBound(_ bucket: Int) -> Int64 {
        guard bucket >= 8 else { return Int64(bucket) }
        let octave = bucket / 4
        let step = Int64(1) << (octave - 2)
        let (bound, overflow) = (Int64(1) << octave).addingReportingOverflow(Int64(bucket % 4 + 1) * step - 1)
        return overflow ? .max : bound
    }
}
