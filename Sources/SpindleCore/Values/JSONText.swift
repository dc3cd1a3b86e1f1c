/// Writes values as JSON (RFC 8259): no white space, no needless escapes, the members of an object in no order.
///
/// For the road of every job, on which a `Codable` encoder costs more than the store.
package struct JSONText {
    /// What was written so far, UTF-8.
    package private(set) var bytes: [UInt8] = []

    /// Begins an empty text with room for so many bytes.
    package init(capacity: Int = 256) { bytes.reserveCapacity(capacity) }

    /// What was written so far.
    package var string: String { String(decoding: bytes, as: UTF8.self) }

    /// A value; a number that JSON cannot write becomes `null`.
    package mutating func append(_ value: JSONValue) {
        switch value {
        case .null: append(verbatim: "null")
        case .bool(let value): append(verbatim: value ? "true" : "false")
        case .int(let value): append(digits: "\(value)")
        case .double(let value): append(value)
        case .string(let text): append(text)
        case .array(let values):
            append(verbatim: "[")
            for (index, value) in values.enumerated() {
                if index > 0 { append(verbatim: ",") }
                append(value)
            }
            append(verbatim: "]")
        case .object(let members): append(members)
        }
    }

    /// Names and values.
    package mutating func append(_ members: [String: JSONValue]) {
        append(verbatim: "{")
        var isFirst = true
        for (name, value) in members {
            if !isFirst { append(verbatim: ",") }
            isFirst = false
            append(name)
            append(verbatim: ":")
            append(value)
        }
        append(verbatim: "}")
    }

    /// Text in quotes.
    package mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { quote($0) }
    }

    /// Text in quotes; what is no UTF-8 is repaired.
    package mutating func append(utf8: UnsafeRawBufferPointer) {
        let bytes = utf8.bindMemory(to: UInt8.self)
        if bytes.allSatisfy({ $0 < 0x80 }) { quote(bytes) } else { append(String(decoding: bytes, as: UTF8.self)) }
    }

    private mutating func quote(_ utf8: UnsafeBufferPointer<UInt8>) {
        bytes.append(UInt8(ascii: "\""))
        if utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            bytes.append(contentsOf: utf8)
        } else {
            for byte in utf8 { append(escaping: byte) }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Brackets, commas, words: what stands in the text as it is.
    package mutating func append(verbatim text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    private mutating func append(_ number: Double) {
        guard number.isFinite else { return append(verbatim: "null") }
        let text = "\(number)"
        append(digits: text.hasSuffix(".0") ? String(text.dropLast(2)) : text)
    }

    private mutating func append(digits text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func append(escaping byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
        case 0x08: append(verbatim: "\\b")
        case 0x09: append(verbatim: "\\t")
        case 0x0A: append(verbatim: "\\n")
        case 0x0C: append(verbatim: "\\f")
        case 0x0D: append(verbatim: "\\r")
        case 0..<0x20:
            append(verbatim: "\\u00")
            bytes += [byte >> 4, byte & 15].map { $0 < 10 ? $0 + UInt8(ascii: "0") : $0 - 10 + UInt8(ascii: "a") }
        default: bytes.append(byte)
        }
    }
}
