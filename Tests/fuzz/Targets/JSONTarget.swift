import FoundationEssentials
import SpindleCore

@testable import SpindleServer

/// Any bytes as the body of a request, beside Foundation's decoder.
enum JSONTarget {
    static func test(_ bytes: [UInt8]) {
        let theirs = try? JSONDecoder().decode(JSONValue.self, from: Data(bytes))
        let value: JSONValue
        do {
            value = try read(bytes)
        } catch let error as SpindleError {
            sentence(error.message)
            // Foundation lets a comma before a bracket pass, has another bound of the depth, reads other encodings, and never
            // looks into a member that stands behind another of its name.
            let isStricter =
                ["a comma stands", "nested deeper"].contains { error.message.contains($0) } || bytes.contains(0)
                || mayRepeatNames(bytes)
            check(theirs == nil || isStricter, "what is refused is no JSON: \(error.message)")
            return
        } catch {
            return  // a number that is too large or too small
        }
        // Numbers that no double holds are rounded in more than one way.
        if hasFractions(bytes) { return }
        check(theirs == value, "what is read is what Foundation reads")
        var text = JSONText()
        text.append(value)
        check((try? read(text.bytes)) == value, "what we write is what we read")
    }

    private static func read(_ bytes: [UInt8]) throws -> JSONValue {
        try bytes.withUnsafeBufferPointer { try JSONNodeDecoder.decode(JSONValue.self, $0) }
    }

    /// Whether any two pieces between quotes are the same.
    private static func mayRepeatNames(_ bytes: [UInt8]) -> Bool {
        let pieces = bytes.split(separator: UInt8(ascii: "\""), omittingEmptySubsequences: false)
        return Set(pieces).count < pieces.count || bytes.contains(UInt8(ascii: "\\"))
    }

    /// Whether a number, outside of texts, has a fraction or an exponent.
    private static func hasFractions(_ bytes: [UInt8]) -> Bool {
        var isText = false
        var isEscaped = false
        var last: UInt8 = 0
        for byte in bytes {
            defer { last = byte }
            if isText {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isText = false
                }
            } else if byte == UInt8(ascii: "\"") {
                isText = true
            } else if (0x30...0x39).contains(last), [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains(byte) {
                return true
            }
        }
        return false
    }
}
