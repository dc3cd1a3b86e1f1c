/// SplitMix64 as a plain value: a simulation needs no lock around its randomness.
struct SimRandom {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
        // Neighbouring seeds must not be the same sequence shifted by a step.
        state = next() ^ (seed << 32)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    /// 0 ..< bound.
    mutating func below(_ bound: Int) -> Int { Int(truncatingIfNeeded: ((next() >> 32) &* UInt64(bound)) >> 32) }

    /// Both ends included.
    mutating func between(_ low: Int64, _ high: Int64) -> Int64 { low + Int64(next() % UInt64(high - low + 1)) }

    mutating func chance(_ permille: Int) -> Bool { below(1000) < permille }
}
