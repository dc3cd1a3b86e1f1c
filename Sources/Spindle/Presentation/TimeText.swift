package import SpindleCore

/// Moments and durations, short, for people.
package enum TimeText {
    /// A duration in one unit: `250ms`, `1.5s`, `12s`, `3m`, `2h`, `5d`.
    package static func duration(_ microseconds: Int64) -> String {
        let units: [(size: Int64, suffix: String)] = [
            (86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "m"), (1_000_000, "s"), (1000, "ms"),
        ]
        for (size, suffix) in units where microseconds >= size {
            let whole = microseconds / size
            let tenth = microseconds % size * 10 / size
            return whole < 10 && tenth > 0 && suffix != "ms" ? "\(whole).\(tenth)\(suffix)" : "\(whole)\(suffix)"
        }
        return microseconds <= 0 ? "0s" : "<1ms"
    }

    /// How long ago a moment was, or `in …` if it is still to come.
    package static func relative(_ moment: Timestamp, now: Timestamp) -> String {
        let (distance, overflow) = now.microseconds.subtractingReportingOverflow(moment.microseconds)
        guard !overflow, distance != .min else { return "?" }
        return distance >= 0 ? "\(duration(distance)) ago" : "in \(duration(-distance))"
    }
}
