/// How long a trigger rests before it is started again. Pure.
struct TriggerBackoff {
    /// Microseconds.
    static let shortest: Int64 = 1_000_000
    static let longest: Int64 = 60_000_000
    /// One that ran so long has recovered: its next rest is short again.
    static let recovery: Int64 = 60_000_000

    private var next = Self.shortest

    /// - Parameters:
    ///   - ranFor: How long it ran, in microseconds.
    ///   - wish: What it asked for itself (`retry_after_ms`), in microseconds.
    /// - Returns: The rest in microseconds.
    mutating func rest(afterRunning ranFor: Int64, wish: Int64? = nil) -> Int64 {
        if ranFor >= Self.recovery { next = Self.shortest }
        defer { next = min(next * 2, Self.longest) }
        return wish.map { min(max($0, Self.shortest), 3_600_000_000) } ?? next
    }
}
