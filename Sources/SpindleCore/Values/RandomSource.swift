import Synchronization

/// Random words, injected so that a seed repeats a run.
public protocol RandomSource: Sendable {
    /// A uniform word. Any thread.
    func next() -> UInt64
}

/// The system's generator.
public struct SystemRandomSource: RandomSource {
    /// Uses the system's generator.
    public init() {}

    public func next() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): a short generator whose whole state is its seed.
public final class SeededRandomSource: RandomSource {
    private let state: Mutex<UInt64>

    /// Starts from a seed.
    public init(seed: UInt64) { state = Mutex(seed) }

    public func next() -> UInt64 {
        state.withLock { state in
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = state
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            return word ^ (word >> 31)
        }
    }
}
