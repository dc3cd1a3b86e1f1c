/// Reads a regular expression: literals, `.`, classes, escapes, anchors, groups, alternatives, and repetitions, also lazy ones. What needs
/// more than following states (backreferences, lookaround) is refused.
struct PatternParser {
    /// Groups within groups.
    static let maxDepth = 64
    private let scalars: [Unicode.Scalar]
    private var position = 0

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    mutating func parse() throws(PatternRefusal) -> PatternNode {
        let node = try alternatives(depth: 0)
        guard position == scalars.count else { throw unreadable("a parenthesis is closed that was not opened") }
        return node
    }

    // MARK: Structure

    private mutating func alternatives(depth: Int) throws(PatternRefusal) -> PatternNode {
        guard depth <= Self.maxDepth else { throw PatternRefusal("has an expression with groups deeper than \(Self.maxDepth)") }
        var nodes = [try sequence(depth: depth)]
        while take("|") { nodes.append(try sequence(depth: depth)) }
        return nodes.count == 1 ? nodes[0] : .alternatives(nodes)
    }

    private mutating func sequence(depth: Int) throws(PatternRefusal) -> PatternNode {
        var nodes: [PatternNode] = []
        while let next = peek, next != "|", next != ")" {
            let atom = try atom(depth: depth)
            nodes.append(try repetition(of: atom))
        }
        return nodes.isEmpty ? .empty : nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    private mutating func atom(depth: Int) throws(PatternRefusal) -> PatternNode {
        guard let scalar = next() else { return .empty }
        switch scalar {
        case "^": return .assertion(.start)
        case "$": return .assertion(.end)
        case ".": return .set(ScalarSet(ScalarSet.lineEnd, isNegated: true))
        case "[": return .set(try characterClass())
        case "\\": return try escape()
        case "(":
            try groupKind()
            let node = try alternatives(depth: depth + 1)
            guard take(")") else { throw unreadable("a parenthesis is not closed") }
            return node
        case "*", "+", "?": throw unreadable("\"\(scalar)\" has nothing before it")
        default: return .set(ScalarSet(scalar))
        }
    }

    private mutating func groupKind() throws(PatternRefusal) {
        guard take("?") else { return }
        if take(":") { return }
        if take("<"), let next = peek, next != "=", next != "!" {
            while let scalar = self.next() { if scalar == ">" { return } }
            throw unreadable("the name of a group has no end")
        }
        throw PatternRefusal("has an expression with lookaround or flags, which are not supported: write it without \"(?\"")
    }

    private mutating func repetition(of atom: PatternNode) throws(PatternRefusal) -> PatternNode {
        let bounds: (Int, Int?)
        if take("*") {
            bounds = (0, nil)
        } else if take("+") {
            bounds = (1, nil)
        } else if take("?") {
            bounds = (0, 1)
        } else if let found = try counts() {
            bounds = found
        } else {
            return atom
        }
        // Lazy or not: whether it fits is the same.
        _ = take("?")
        if let next = peek, next == "*" || next == "+" || next == "?" { throw unreadable("\"\(next)\" follows a repetition") }
        return .repeated(atom, bounds.0, bounds.1)
    }

    /// `{2}`, `{2,}`, `{2,3}`; another brace is an ordinary character.
    private mutating func counts() throws(PatternRefusal) -> (Int, Int?)? {
        let start = position
        guard take("{"), let least = number() else {
            position = start
            return nil
        }
        var most: Int? = least
        if take(",") { most = number() }
        guard take("}") else {
            position = start
            return nil
        }
        guard least <= most ?? .max else { throw unreadable("a repetition has more at least than at most") }
        return (least, most)
    }

    /// Digits; a number that no program could hold is as good as the largest.
    private mutating func number() -> Int? {
        var value: Int?
        while let digit = peek, (48...57).contains(digit.value) {
            position += 1
            value = min((value ?? 0) * 10 + Int(digit.value - 48), 1_000_000)
        }
        return value
    }

    // MARK: Characters

    private mutating func escape() throws(PatternRefusal) -> PatternNode {
        guard let scalar = peek else { throw unreadable("it ends with a backslash") }
        switch scalar {
        case "b", "B":
            position += 1
            return .assertion(scalar == "b" ? .wordBorder : .noWordBorder)
        case "1", "2", "3", "4", "5", "6", "7", "8", "9", "k":
            throw PatternRefusal("has an expression with a backreference, which is not supported")
        default: return .set(try escapedSet())
        }
    }

    /// What follows a backslash, inside and outside of a class.
    private mutating func escapedSet() throws(PatternRefusal) -> ScalarSet {
        guard let scalar = next() else { throw unreadable("it ends with a backslash") }
        switch scalar {
        case "d": return .digit
        case "D": return ScalarSet.digit.negated
        case "w": return .word
        case "W": return ScalarSet.word.negated
        case "s": return .space
        case "S": return ScalarSet.space.negated
        case "t": return ScalarSet("\t")
        case "n": return ScalarSet("\n")
        case "r": return ScalarSet("\r")
        case "v": return ScalarSet("\u{0B}")
        case "f": return ScalarSet("\u{0C}")
        case "0": return ScalarSet("\0")
        case "c":
            guard let letter = next(), letter.isASCII, letter.properties.isAlphabetic else {
                throw unreadable("\\c needs a letter")
            }
            return ScalarSet([letter.value & 31...letter.value & 31])
        case "x": return ScalarSet([try hexadecimal(2)].map { $0...$0 })
        case "u": return ScalarSet([try unicode()].map { $0...$0 })
        case "p", "P": return try category(isNegated: scalar == "P")
        default:
            // A letter that means nothing now may mean something one day.
            if scalar.isASCII, scalar.properties.isAlphabetic { throw unreadable("\\\(scalar) is not known") }
            return ScalarSet(scalar)
        }
    }

    private mutating func hexadecimal(_ count: Int) throws(PatternRefusal) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let digit = next().flatMap({ Character($0).hexDigitValue }) else {
                throw unreadable("hexadecimal digits are missing")
            }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    /// `\u0041`, `\u{1F600}`, or two halves of a character outside of the basic plane.
    private mutating func unicode() throws(PatternRefusal) -> UInt32 {
        if take("{") {
            var value: UInt32 = 0
            while let digit = peek.flatMap({ Character($0).hexDigitValue }) {
                position += 1
                value = value << 4 | UInt32(digit)
                guard value <= 0x10FFFF else { throw unreadable("there is no such character") }
            }
            guard take("}") else { throw unreadable("\\u{ is not closed") }
            return value
        }
        let high = try hexadecimal(4)
        guard (0xD800...0xDBFF).contains(high), take("\\"), take("u") else { return high }
        let low = try hexadecimal(4)
        guard (0xDC00...0xDFFF).contains(low) else { throw unreadable("half a character is missing") }
        return 0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)
    }

    private mutating func category(isNegated: Bool) throws(PatternRefusal) -> ScalarSet {
        guard take("{") else { throw unreadable("\\p needs a category in braces") }
        var name = ""
        while let scalar = next(), scalar != "}" { name.unicodeScalars.append(scalar) }
        guard Unicode.GeneralCategory.shortNames.contains(name) else {
            throw PatternRefusal(
                "has an expression with \\p{\(name.prefix(32))}; only general categories such as L, Lu or Nd are supported"
            )
        }
        var set = ScalarSet([])
        set.categories = [(name, isNegated)]
        return set
    }

    private mutating func characterClass() throws(PatternRefusal) -> ScalarSet {
        var set = ScalarSet([], isNegated: take("^"))
        while !take("]") {
            guard let scalar = next() else { throw unreadable("a class is not closed") }
            let first = scalar == "\\" ? try classEscape() : ScalarSet(scalar)
            guard let low = first.single, peek == "-", position + 1 < scalars.count, scalars[position + 1] != "]" else {
                set.add(first)
                continue
            }
            position += 1
            guard let end = next() else { throw unreadable("a class is not closed") }
            let last = end == "\\" ? try classEscape() : ScalarSet(end)
            if let high = last.single {
                guard low <= high else { throw unreadable("a range of a class ends before it begins") }
                set.ranges.append(low...high)
            } else {
                // `a-\d` has no range: three things.
                set.add(first)
                set.add(ScalarSet("-"))
                set.add(last)
            }
        }
        set.sortRanges()
        return set
    }

    private mutating func classEscape() throws(PatternRefusal) -> ScalarSet {
        if take("b") { return ScalarSet("\u{08}") }
        return try escapedSet()
    }

    // MARK: Reading

    private var peek: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private mutating func next() -> Unicode.Scalar? {
        guard let scalar = peek else { return nil }
        position += 1
        return scalar
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek == scalar else { return false }
        position += 1
        return true
    }

    private func unreadable(_ why: String) -> PatternRefusal { PatternRefusal("has an expression that cannot be read: \(why)") }
}

extension ScalarSet {
    /// Its only character, if it is one.
    fileprivate var single: UInt32? {
        guard !isNegated, others.isEmpty, categories.isEmpty, ranges.count == 1, ranges[0].count == 1 else { return nil }
        return ranges[0].lowerBound
    }

    fileprivate mutating func add(_ set: ScalarSet) {
        if set.isNegated || !set.categories.isEmpty { others.append(set) } else { ranges += set.ranges }
    }
}
