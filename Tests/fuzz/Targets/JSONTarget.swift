import FoundationEssentials
import SpindleCore

@testable import SpindleServer

/// Any bytes as the body of a request, beside Foundation's decoder.
enum JSONTarget {
    static func test(_ bytes: [UInt8]) {
        let value: JSONValue
        do {
            value = try bytes.withUnsafeBufferPointer { try JSONNodeDecoder.decode(JSONValue.self, $0) }
        } catch let error as SpindleError {
            sentence(error.message)
            return
        } catch {
            return  // a number that is too large
        }
        // With a fraction or an exponent Foundation gives up where a number is too small for a double, and counts in decimals where one is
        // too large to be exact.
        let isPlain = !bytes.contains { [UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: ".")].contains($0) }
        let theirs = try? JSONDecoder().decode(JSONValue.self, from: Data(bytes))
        check(!isPlain || theirs == value, "what is read is what Foundation reads")
        var text = JSONText()
        text.append(value)
        let again = try? text.bytes.withUnsafeBufferPointer { try JSONNodeDecoder.decode(JSONValue.self, $0) }
        check(again == value, "what we write is what we read")
    }
}
