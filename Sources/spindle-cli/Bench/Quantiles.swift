/// Points of a sorted series, in another unit.
struct Quantiles: Encodable, Sendable {
    let count: Int
    let p50: Double
    let p95: Double
    let p99: Double
    let max: Double

    /// - Parameters:
    ///   - sorted: The series.
    ///   - unit: What one of the new unit is in that of the series: 1000 for microseconds of nanoseconds.
    init(_ sorted: [Int64], unit: Double) {
        func point(_ permille: Int) -> Double {
            guard !sorted.isEmpty else { return 0 }
            return Double(sorted[min(sorted.count - 1, sorted.count * permille / 1000)]) / unit
        }
        count = sorted.count
        p50 = point(500)
        p95 = point(950)
        p99 = point(990)
        max = point(1000)
    }
}
