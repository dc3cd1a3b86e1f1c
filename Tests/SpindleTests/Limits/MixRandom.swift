/// SplitMix64: the same seed gives the same mix.
struct MixRandom {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func word() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int { range.lowerBound + Int(word() % UInt64(range.count)) }
    mutating func isTrue(permille: Int) -> Bool { number(0...999) < permille }
    mutating func element<Element>(_ elements: [Element]) -> Element { elements[number(0...elements.count - 1)] }
}
