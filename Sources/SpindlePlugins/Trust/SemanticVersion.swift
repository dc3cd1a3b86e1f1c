/// A version by semver.org, to be compared.
struct SemanticVersion: Comparable {
    private let core: [UInt64]
    private let preRelease: [Substring]

    /// Reads `1.2.3`, `1.2.3-rc.1`, `1.2.3+build`; anything else gives nil.
    init?(_ text: String) {
        guard text.utf8.count <= 256 else { return nil }
        let precedence = text.prefix { $0 != "+" }
        let parts = precedence.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        core = parts[0].split(separator: ".", omittingEmptySubsequences: false).compactMap(Self.number)
        preRelease = parts.count > 1 ? parts[1].split(separator: ".", omittingEmptySubsequences: false) : []
        let count = parts[0].split(separator: ".", omittingEmptySubsequences: false).count
        guard core.count == 3, count == 3, preRelease.allSatisfy({ !$0.isEmpty }) else { return nil }
    }

    private static func number(_ text: Substring) -> UInt64? {
        guard text.utf8.allSatisfy({ (48...57).contains($0) }), text == "0" || !text.hasPrefix("0") else { return nil }
        return UInt64(text)
    }

    static func < (left: Self, right: Self) -> Bool {
        if left.core != right.core { return left.core.lexicographicallyPrecedes(right.core) }
        // A version that is not out yet comes before the one that is.
        if left.preRelease.isEmpty || right.preRelease.isEmpty { return !left.preRelease.isEmpty && right.preRelease.isEmpty }
        for (one, other) in zip(left.preRelease, right.preRelease) where one != other {
            switch (number(one), number(other)) {
            case (let one?, let other?): return one < other
            case (nil, nil): return one < other
            case (let number, _): return number != nil
            }
        }
        return left.preRelease.count < right.preRelease.count
    }
}
