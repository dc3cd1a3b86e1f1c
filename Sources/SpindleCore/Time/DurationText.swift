/// Reads and writes durations as people write them: `500ms`, `10s`, `1.5m`, `2h`, `7d`.
///
/// The one checked parser for every duration from outside: nothing here traps, and everything is clamped by the caller's range.
public enum DurationText {
    private static let units: [(suffix: String, microseconds: Int64)] = [
        ("us", 1), ("ms", 1000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000), ("d", 86_400_000_000),
    ]

    /// Microseconds of such text; a bare number is seconds.
    ///
    /// - Parameters:
    ///   - text: Digits, at most one point, and one of the suffixes us, ms, s, m, h, d.
    ///   - range: What the caller accepts, in microseconds.
    /// - Returns: nil if the text is not a duration or lies outside the range.
    public static func microseconds(_ text: some StringProtocol, in range: ClosedRange<Int64>) -> Int64? {
        let number = text.prefix { ($0 >= "0" && $0 <= "9") || $0 == "." }
        let suffix = text.dropFirst(number.count)
        guard !number.isEmpty, number.count <= 18 else { return nil }
        let unit: Int64
        if suffix.isEmpty {
            unit = 1_000_000
        } else if let known = units.first(where: { $0.suffix == suffix }) {
            unit = known.microseconds
        } else {
            return nil
        }
        guard let value = Double(number), value.isFinite else { return nil }
        let product = value * Double(unit)
        guard product < 9e18 else { return nil }
        let result = Int64(product.rounded())
        return range.contains(result) ? result : nil
    }

    /// The shortest exact text of a duration in microseconds.
    public static func text(_ microseconds: Int64) -> String {
        for unit in units.reversed() where microseconds != 0 && microseconds % unit.microseconds == 0 {
            return "\(microseconds / unit.microseconds)\(unit.suffix)"
        }
        return microseconds == 0 ? "0s" : "\(microseconds)us"
    }
}
