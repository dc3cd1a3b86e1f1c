/// A part of a regular expression.
indirect enum PatternNode: Sendable {
    /// What holds between two characters.
    enum Assertion: Hashable, Sendable {
        case start, end, wordBorder, noWordBorder

        func holds(in text: [Unicode.Scalar], at position: Int) -> Bool {
            func isWord(_ index: Int) -> Bool { text.indices.contains(index) && ScalarSet.word.contains(text[index]) }
            switch self {
            case .start: return position == 0
            case .end: return position == text.count
            case .wordBorder: return isWord(position - 1) != isWord(position)
            case .noWordBorder: return isWord(position - 1) == isWord(position)
            }
        }
    }

    case empty
    case set(ScalarSet)
    case assertion(Assertion)
    case sequence([PatternNode])
    case alternatives([PatternNode])
    /// At least and at most so often; nil is without end.
    case repeated(PatternNode, Int, Int?)

    /// Whether it never takes a character.
    var isEmpty: Bool {
        switch self {
        case .empty, .assertion: true
        case .set: false
        case .sequence(let nodes), .alternatives(let nodes): nodes.allSatisfy(\.isEmpty)
        case .repeated(let node, _, let most): most == 0 || node.isEmpty
        }
    }
}

/// A set of characters: ranges, kinds of characters, or all but those.
struct ScalarSet: Sendable {
    var ranges: [ClosedRange<UInt32>] = []
    /// Unicode's general categories, by the beginning of their short names.
    var categories: [(name: String, isNegated: Bool)] = []
    /// Sets that belong to it.
    var others: [ScalarSet] = []
    var isNegated = false

    init(_ ranges: [ClosedRange<UInt32>], isNegated: Bool = false) {
        self.ranges = ranges
        self.isNegated = isNegated
    }

    init(_ scalar: Unicode.Scalar) { ranges = [scalar.value...scalar.value] }

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        let value = scalar.value
        let isIn =
            isInRanges(value) || others.contains { $0.contains(scalar) }
            || categories.contains { scalar.properties.generalCategory.shortName.hasPrefix($0.name) != $0.isNegated }
        return isIn != isNegated
    }

    /// What looking for a character in it may cost, in steps of an expression.
    var cost: Int { 1 + categories.count + others.reduce(0) { $0 + $1.cost } }

    private func isInRanges(_ value: UInt32) -> Bool {
        guard ranges.count > 8 else { return ranges.contains { $0.contains(value) } }
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < value { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].contains(value)
    }

    /// Puts the ranges in order and joins what touches, as ``contains(_:)`` wants them.
    mutating func sortRanges() {
        ranges.sort { $0.lowerBound < $1.lowerBound }
        var joined: [ClosedRange<UInt32>] = []
        for range in ranges {
            if let last = joined.last, range.lowerBound <= last.upperBound || range.lowerBound == last.upperBound + 1 {
                joined[joined.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                joined.append(range)
            }
        }
        ranges = joined
    }

    static let digit = ScalarSet([48...57])
    static let word = ScalarSet([48...57, 65...90, 95...95, 97...122])
    static let space = ScalarSet([
        9...13, 32...32, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029, 0x202F...0x202F, 0x205F...0x205F,
        0x3000...0x3000, 0xFEFF...0xFEFF,
    ])
    static let lineEnd: [ClosedRange<UInt32>] = [10...10, 13...13, 0x2028...0x2029]

    /// The opposite.
    var negated: ScalarSet {
        var set = self
        set.isNegated.toggle()
        return set
    }
}

extension Unicode.GeneralCategory {
    /// The short names of all categories and of their groups.
    static let shortNames: Set<String> = [
        "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf",
        "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "C", "Cc", "Cf", "Cs", "Co", "Cn",
    ]

    /// For instance `Lu`.
    var shortName: String {
        switch self {
        case .uppercaseLetter: "Lu"
        case .lowercaseLetter: "Ll"
        case .titlecaseLetter: "Lt"
        case .modifierLetter: "Lm"
        case .otherLetter: "Lo"
        case .nonspacingMark: "Mn"
        case .spacingMark: "Mc"
        case .enclosingMark: "Me"
        case .decimalNumber: "Nd"
        case .letterNumber: "Nl"
        case .otherNumber: "No"
        case .connectorPunctuation: "Pc"
        case .dashPunctuation: "Pd"
        case .openPunctuation: "Ps"
        case .closePunctuation: "Pe"
        case .initialPunctuation: "Pi"
        case .finalPunctuation: "Pf"
        case .otherPunctuation: "Po"
        case .mathSymbol: "Sm"
        case .currencySymbol: "Sc"
        case .modifierSymbol: "Sk"
        case .otherSymbol: "So"
        case .spaceSeparator: "Zs"
        case .lineSeparator: "Zl"
        case .paragraphSeparator: "Zp"
        case .control: "Cc"
        case .format: "Cf"
        case .surrogate: "Cs"
        case .privateUse: "Co"
        case .unassigned: "Cn"
        @unknown default: "Cn"
        }
    }
}
