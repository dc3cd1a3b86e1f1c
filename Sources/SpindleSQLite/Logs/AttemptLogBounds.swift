/// Which chunks of an attempt's log are kept: its first and its last bytes. Pure.
struct AttemptLogBounds {
    private(set) var headBytes = 0
    private var tail: [(sequence: Int64, bytes: Int)] = []
    private var tailBytes = 0
    private let half: Int

    /// - Parameter limit: Bytes for the attempt; half for its head, half for its tail.
    init(limit: Int) { half = limit / 2 }

    /// A chunk is added; returns the sequences of those that make room for it.
    mutating func add(_ sequence: Int64, bytes: Int) -> [Int64] {
        if tail.isEmpty && headBytes + bytes <= half {
            headBytes += bytes
            return []
        }
        tail.append((sequence, bytes))
        tailBytes += bytes
        var removed: [Int64] = []
        while tailBytes > half, tail.count > 1 {
            let oldest = tail.removeFirst()
            tailBytes -= oldest.bytes
            removed.append(oldest.sequence)
        }
        return removed
    }
}
