/// Refuses YAML that would make its parser recurse too deep, or work or grow without bound, before the parser sees it.
///
/// It does not parse. What it counts too often, in quotes and comments, no honest file has often; what it misses, brackets that a
/// closing one in a comment seems to close, libyaml stops at 1,000 levels.
package struct YAMLBounds {
    private static let maxDepth = 32
    /// Aliases multiply: `[*a, *a]` as an alias of its own doubles, and so on.
    private static let maxAliases = 8
    /// The parser looks for duplicates in each mapping by its whole keys: nested keys would be read once for each level.
    private static let maxKeyIndicators = 16

    private let file: String
    private var line = 1
    private var depth = 0
    private var aliases = 0
    private var keyIndicators = 0
    /// The two bytes before this one.
    private var before: (UInt8, UInt8) = (10, 10)
    private var indentations: [Int] = []
    private var indentation = 0
    /// Indicators at the start of the line, each of which nests.
    private var markers = 0
    private var isAtStart = true

    private init(file: String) { self.file = file }

    /// Checks a text.
    ///
    /// - Parameters:
    ///   - text: YAML or JSON.
    ///   - file: Its name, for the message.
    /// - Throws: `configuration`, with file, line and what is allowed.
    package static func check(_ text: String, file: String) throws(SpindleError) {
        var bounds = YAMLBounds(file: file)
        var text = text
        let result = text.withUTF8 { bytes in
            Result { () throws(SpindleError) in for byte in bytes { try bounds.take(byte) } }
        }
        try result.get()
    }

    private mutating func take(_ byte: UInt8) throws(SpindleError) {
        count(byte)
        if isAtStart { indent(byte) }
        if depth > Self.maxDepth || markers > Self.maxDepth || indentations.count > Self.maxDepth {
            throw refusal("nested too deep; at most \(Self.maxDepth) levels are allowed")
        }
        if aliases > Self.maxAliases { throw refusal("more than \(Self.maxAliases) aliases (*name) are not allowed") }
        if keyIndicators > Self.maxKeyIndicators {
            throw refusal("more than \(Self.maxKeyIndicators) keys that begin with \"?\" are not allowed")
        }
        if byte == 10 || byte == 13 {
            if byte == 10 { line += 1 }
            indentation = 0
            markers = 0
            isAtStart = true
        }
        before = (before.1, byte)
    }

    private mutating func count(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
        case UInt8(ascii: "]"), UInt8(ascii: "}"): depth = max(depth - 1, 0)
        case UInt8(ascii: "?") where Self.endsToken(before.1): keyIndicators += 1
        case _ where before.1 == UInt8(ascii: "*") && Self.isNameByte(byte) && Self.endsToken(before.0): aliases += 1
        default: break
        }
    }

    private mutating func indent(_ byte: UInt8) {
        switch byte {
        case 32: indentation += 1
        case UInt8(ascii: "-"), UInt8(ascii: "?"), UInt8(ascii: ":"):
            markers += 1
            indentation += 1
        case 10, 13: break
        default:
            isAtStart = false
            while let last = indentations.last, last >= indentation { indentations.removeLast() }
            indentations.append(indentation)
        }
    }

    /// Whether an alias or a key indicator can follow: blanks, line breaks and indicators. Beyond ASCII there are line breaks too.
    private static func endsToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0...32, 128...: true
        case UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "?"), UInt8(ascii: "["), UInt8(ascii: "{"): true
        default: false
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }

    private func refusal(_ reason: String) -> SpindleError {
        SpindleError(.configuration, "\(file):\(line): \(reason).")
    }
}
