/// How a program writes text in JSON: they differ in what they escape beyond what they must.
struct JSONStyle {
    /// Written as `\uXXXX`, beside control characters.
    var escaped: [UInt8] = []
    var escapesSlash = false
    /// What is not ASCII is written as `\uXXXX` too.
    var isASCII = false
    var isUpper = false

    /// What is in use: by most, PHP, Python, Go, Gson, .NET.
    static let all = [
        JSONStyle(), JSONStyle(escapesSlash: true), JSONStyle(escapesSlash: true, isASCII: true), JSONStyle(isASCII: true),
        JSONStyle(isASCII: true, isUpper: true), JSONStyle(escaped: Array("<>&".utf8)), JSONStyle(escaped: Array("<>&='".utf8)),
        JSONStyle(escaped: Array("\"&'+<>`\u{7F}".utf8), isASCII: true, isUpper: true),
    ]

    /// The bytes as they stand between the quotation marks.
    func escaped(_ bytes: [UInt8]) -> [UInt8] {
        guard isASCII, bytes.contains(where: { $0 >= 128 }) else { return bytes.reduce(into: []) { add($1, to: &$0) } }
        var result: [UInt8] = []
        for unit in String(decoding: bytes, as: UTF8.self).utf16 {
            if let byte = UInt8(exactly: unit), byte < 128 { add(byte, to: &result) } else { add(unit: unit, to: &result) }
        }
        return result
    }

    private func add(_ byte: UInt8, to result: inout [UInt8]) {
        switch byte {
        case _ where escaped.contains(byte): add(unit: UInt16(byte), to: &result)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): result += [UInt8(ascii: "\\"), byte]
        case UInt8(ascii: "/") where escapesSlash: result += [UInt8(ascii: "\\"), byte]
        case 8: result += Array("\\b".utf8)
        case 9: result += Array("\\t".utf8)
        case 10: result += Array("\\n".utf8)
        case 12: result += Array("\\f".utf8)
        case 13: result += Array("\\r".utf8)
        case 0..<32: add(unit: UInt16(byte), to: &result)
        default: result.append(byte)
        }
    }

    private func add(unit: UInt16, to result: inout [UInt8]) {
        let digits = Array((isUpper ? "0123456789ABCDEF" : "0123456789abcdef").utf8)
        result += Array("\\u".utf8)
        for shift in [12, 8, 4, 0] { result.append(digits[Int(unit >> UInt16(shift)) & 15]) }
    }
}
