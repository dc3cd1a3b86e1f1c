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
                add(percentEncoded(piece, isUpper: isUpper, plusForBlank: false))
                add(percentEncoded(piece, isUpper: isUpper, plusForBlank: true))
            }
            add(jsonEscaped(piece, escapesSlash: false))
            add(jsonEscaped(piece, escapesSlash: true))
        }
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

    private static func percentEncoded(_ bytes: [UInt8], isUpper: Bool, plusForBlank: Bool) -> [UInt8] {
        let digits = Array((isUpper ? "0123456789ABCDEF" : "0123456789abcdef").utf8)
        var result: [UInt8] = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                result.append(byte)
            case 32 where plusForBlank: result.append(UInt8(ascii: "+"))
            default: result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return result
    }

    private static func jsonEscaped(_ bytes: [UInt8], escapesSlash: Bool) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        var result: [UInt8] = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): result += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "/") where escapesSlash: result += [UInt8(ascii: "\\"), byte]
            case 8: result += Array("\\b".utf8)
            case 9: result += Array("\\t".utf8)
            case 10: result += Array("\\n".utf8)
            case 12: result += Array("\\f".utf8)
            case 13: result += Array("\\r".utf8)
            case 0..<32: result += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: result.append(byte)
            }
        }
        return result
    }
}
