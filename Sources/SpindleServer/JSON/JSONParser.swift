import SpindleCore

/// Reads JSON text (RFC 8259) in UTF-8, and nothing else: no comments, no trailing commas, no lone surrogates.
///
/// On the road of every submission, where Foundation's decoder costs several times the commit.
struct JSONParser {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0
    private var depth = 0
    private var containers = 0
    /// A text with escapes, before it is one.
    private var unescaped: [UInt8] = []

    /// Values are read recursively: a bound of the depth is a bound of the stack.
    static let deepest = 64

    /// An empty one is two bytes of text and many times that in memory.
    static let mostContainers = 500_000

    /// The value that the bytes are.
    ///
    /// - Throws: `invalidRequest`, with what is wrong and at which byte, from 0.
    static func node(_ bytes: UnsafeBufferPointer<UInt8>) throws(SpindleError) -> JSONNode {
        var parser = JSONParser(bytes: bytes)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { parser.position = 3 }
        let node = try parser.value()
        parser.skipSpace()
        if parser.position < bytes.count { throw parser.fault("more follows after its end") }
        return node
    }

    private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    private func fault(_ what: String) -> SpindleError {
        SpindleError(.invalidRequest, "The body is not JSON: \(what) (byte \(position)).")
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    /// The next byte that is no white space.
    private mutating func token() throws(SpindleError) -> UInt8 {
        skipSpace()
        guard let byte = current else { throw fault("it ends too soon") }
        return byte
    }

    private mutating func value() throws(SpindleError) -> JSONNode {
        switch try token() {
        case UInt8(ascii: "\""): return .text(try text())
        case UInt8(ascii: "{"): return .object(try members())
        case UInt8(ascii: "["): return .list(try items())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return .number(JSONNumber(text: try number()))
        }
    }

    private mutating func word(_ word: StaticString, _ node: JSONNode) throws(SpindleError) -> JSONNode {
        for offset in 0..<word.utf8CodeUnitCount {
            guard current == word.utf8Start[offset] else { throw fault("there is no such value") }
            position += 1
        }
        return node
    }

    // MARK: - Containers

    private mutating func enter() throws(SpindleError) {
        depth += 1
        containers += 1
        position += 1
        if depth > Self.deepest {
            throw SpindleError(.invalidRequest, "The body is nested deeper than \(Self.deepest) levels.")
        }
        if containers > Self.mostContainers {
            throw SpindleError(.invalidRequest, "The body has more than \(Self.mostContainers) lists and objects.")
        }
    }

    /// Whether the container ends here; else steps over the comma before another item.
    private mutating func ends(_ bracket: UInt8, isFirst: Bool) throws(SpindleError) -> Bool {
        let byte = try token()
        if byte == bracket {
            position += 1
            depth -= 1
            return true
        }
        if isFirst { return false }
        guard byte == UInt8(ascii: ",") else { throw fault("a comma or a bracket is missing") }
        position += 1
        if try token() == bracket { throw fault("a comma stands before a bracket") }
        return false
    }

    private mutating func items() throws(SpindleError) -> [JSONNode] {
        try enter()
        var items: [JSONNode] = []
        while try !ends(UInt8(ascii: "]"), isFirst: items.isEmpty) { items.append(try value()) }
        return items
    }

    private mutating func members() throws(SpindleError) -> JSONMembers {
        try enter()
        var members = JSONMembers()
        while try !ends(UInt8(ascii: "}"), isFirst: members.list.isEmpty) {
            guard try token() == UInt8(ascii: "\"") else { throw fault("a name in quotes is missing") }
            let name = try text()
            guard try token() == UInt8(ascii: ":") else { throw fault("a colon is missing") }
            position += 1
            members.append(name, try value())
        }
        return members
    }

    // MARK: - Numbers

    private mutating func digits() throws(SpindleError) {
        let start = position
        while let byte = current, (0x30...0x39).contains(byte) { position += 1 }
        if position == start { throw fault("there is no such value") }
    }

    private mutating func number() throws(SpindleError) -> String {
        let start = position
        if current == UInt8(ascii: "-") { position += 1 }
        if current == UInt8(ascii: "0") { position += 1 } else { try digits() }
        if current == UInt8(ascii: ".") {
            position += 1
            try digits()
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            position += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
        return String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
    }

    // MARK: - Text

    private mutating func text() throws(SpindleError) -> String {
        position += 1
        let start = position
        while let byte = current, byte != UInt8(ascii: "\"") {
            if byte == UInt8(ascii: "\\") { return try escapedText(from: start) }
            if byte < 0x20 { throw fault("a text holds a control character") }
            position += 1
        }
        return try finish(UnsafeBufferPointer(rebasing: bytes[start..<position]))
    }

    /// At the quote behind the text.
    private mutating func finish(_ utf8: some Collection<UInt8>) throws(SpindleError) -> String {
        guard current != nil else { throw fault("it ends within a text") }
        guard let text = String(validating: utf8, as: UTF8.self) else { throw fault("a text is not UTF-8") }
        position += 1
        return text
    }

    private mutating func escapedText(from start: Int) throws(SpindleError) -> String {
        unescaped.removeAll(keepingCapacity: true)
        unescaped.append(contentsOf: bytes[start..<position])
        while let byte = current, byte != UInt8(ascii: "\"") {
            if byte < 0x20 { throw fault("a text holds a control character") }
            position += 1
            if byte == UInt8(ascii: "\\") { try escape() } else { unescaped.append(byte) }
        }
        return try finish(unescaped)
    }

    private mutating func escape() throws(SpindleError) {
        guard let byte = current else { throw fault("it ends within a text") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(byte)
        case UInt8(ascii: "b"): unescaped.append(0x08)
        case UInt8(ascii: "f"): unescaped.append(0x0C)
        case UInt8(ascii: "n"): unescaped.append(0x0A)
        case UInt8(ascii: "r"): unescaped.append(0x0D)
        case UInt8(ascii: "t"): unescaped.append(0x09)
        case UInt8(ascii: "u"): unescaped.append(contentsOf: String(Character(try scalar())).utf8)
        default:
            position -= 1
            throw fault("there is no such escape")
        }
    }

    /// Behind `\u`: one unit of UTF-16, or two that belong together.
    private mutating func scalar() throws(SpindleError) -> Unicode.Scalar {
        let unit = try hexadecimal()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard unit < 0xDC00, current == UInt8(ascii: "\\") else { throw fault("half of a surrogate pair stands alone") }
        position += 1
        guard current == UInt8(ascii: "u") else { throw fault("half of a surrogate pair stands alone") }
        position += 1
        let low = try hexadecimal()
        guard (0xDC00...0xDFFF).contains(low) else { throw fault("half of a surrogate pair stands alone") }
        return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))!
    }

    private mutating func hexadecimal() throws(SpindleError) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw fault("four hexadecimal digits are missing")
            }
            unit = unit << 4 | UInt32(digit)
            position += 1
        }
        return unit
    }
}
