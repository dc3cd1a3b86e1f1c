import FoundationEssentials

/// The forms in which a secret shows: as it is, and as programs encode it.
enum SecretPatterns {
    /// Shorter pieces would hide what is no secret.
    static let least = 8

    /// All forms of a value, each once, none shorter than ``least``.
    static func all(of value: UnsafeRawBufferPointer) -> [[UInt8]] {
        let raw = Array(value)
        var result: [[UInt8]] = []
        func add(_ form: [UInt8]) {
            if form.count >= least, !result.contains(form) { result.append(form) }
        }
        var pieces = [raw]
        // A log has lines: of a key in several, each is hidden.
        let lines = raw.split { $0 == 10 || $0 == 13 }.map(Array.init)
        if lines.count > 1 { pieces += lines.filter { $0.count >= least } }
        for piece in pieces {
            add(piece)
            for isUpper in [true, false] {
                for style in [PercentStyle.strict, .form, .component, .path] { add(percentEncoded(piece, style, isUpper: isUpper)) }
            }
            for style in JSONStyle.all { add(style.escaped(piece)) }
        }
        for form in wrappedBase64(raw) { add(form) }
        for offset in 0..<3 {
            let standard = base64(raw, at: offset)
            add(standard)
            add(standard.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: "-") : $0 == UInt8(ascii: "/") ? UInt8(ascii: "_") : $0 })
        }
        return result
    }

    /// The characters that stand for these bytes alone, if so many bytes modulo 3 come before them.
    private static func base64(_ bytes: [UInt8], at offset: Int) -> [UInt8] {
        let text = Array(Data([UInt8](repeating: 0, count: offset) + bytes).base64EncodedString().utf8)
        let first = (8 * offset + 5) / 6
        let last = 8 * (offset + bytes.count) / 6
        return first < last ? Array(text[first..<last]) : []
    }

    /// How programs wrap the base64 of a value that stands alone: whole, and line by line if the value is not so long that its lines
    /// would be a load for the search.
    private static func wrappedBase64(_ bytes: [UInt8]) -> [[UInt8]] {
        let text = base64(bytes, at: 0)
        var result: [[UInt8]] = []
        for width in [64, 76] where text.count > width {
            let lines = stride(from: 0, to: text.count, by: width).map { Array(text[$0..<min($0 + width, text.count)]) }
            result += [Array(lines.joined(separator: [10])), Array(lines.joined(separator: [13, 10]))]
            if bytes.count <= longest { result += lines }
        }
        return result
    }

    /// A longer value has no patterns for the single lines of its base64, in bytes.
    private static let longest = 4096

    /// What stays as it is beside letters and digits.
    private enum PercentStyle: String {
        case strict = "-._~"
        /// A blank becomes `+`.
        case form = "-._~ "
        /// `encodeURIComponent` of JavaScript.
        case component = "-._~!'()*"
        /// `quote` of Python.
        case path = "-._~/"
    }

    private static func percentEncoded(_ bytes: [UInt8], _ style: PercentStyle, isUpper: Bool) -> [UInt8] {
        let digits = Array((isUpper ? "0123456789ABCDEF" : "0123456789abcdef").utf8)
        let plain = Array(style.rawValue.utf8)
        var result: [UInt8] = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"):
                result.append(byte)
            case _ where plain.contains(byte): result.append(byte == 32 ? UInt8(ascii: "+") : byte)
            default: result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return result
    }
}
