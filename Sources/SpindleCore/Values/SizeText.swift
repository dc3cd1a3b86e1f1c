/// Reads and writes sizes as people write them: `512KiB`, `64MiB`, `2GiB`.
///
/// The one checked parser for every size from outside: nothing here traps.
public enum SizeText {
    private static let units: [(suffix: String, bytes: Int64)] = [
        ("", 1), ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ]

    /// Bytes of such text; a bare number is bytes.
    ///
    /// - Parameters:
    ///   - text: Digits and one of the suffixes B, KiB, MiB, GiB, TiB.
    ///   - range: What the caller accepts, in bytes.
    /// - Returns: nil if the text is not a size or lies outside the range.
    public static func bytes(_ text: some StringProtocol, in range: ClosedRange<Int64>) -> Int64? {
        let digits = text.prefix { $0 >= "0" && $0 <= "9" }
        let suffix = text.dropFirst(digits.count)
        guard let number = Int64(digits), let unit = units.first(where: { $0.suffix == suffix }) else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit.bytes)
        return !overflow && range.contains(bytes) ? bytes : nil
    }

    /// The shortest exact text of a size in bytes.
    public static func text(_ bytes: Int64) -> String {
        for unit in units.reversed() where unit.bytes > 1 && bytes != 0 && bytes % unit.bytes == 0 {
            return "\(bytes / unit.bytes)\(unit.suffix)"
        }
        return "\(bytes)B"
    }

    /// A size for people: three digits at most before the unit, such as `5.2MiB`.
    public static func rounded(_ bytes: Int64) -> String {
        guard let unit = units.last(where: { $0.bytes > 1 && bytes >= $0.bytes }) else { return "\(bytes)B" }
        let tenths = (Double(bytes) / Double(unit.bytes) * 10).rounded()
        let whole = Int64(tenths) / 10
        return whole >= 100 ? "\(whole)\(unit.suffix)" : "\(whole).\(Int64(tenths) % 10)\(unit.suffix)"
    }
}
