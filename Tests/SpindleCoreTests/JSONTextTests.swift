import Foundation
import SpindleCore
import Testing

@Suite struct JSONTextTests {
    private func text(_ value: JSONValue) -> String {
        var text = JSONText()
        text.append(value)
        return text.string
    }

    private static let cases: [(JSONValue, String)] = [
        (.null, "null"), (true, "true"), (false, "false"), (0, "0"), (.int(.min), "-9223372036854775808"),
        (1.5, "1.5"), (.double(3), "3"), (.double(-0.0), "-0"), (.double(1e300), "1e+300"), (.double(.infinity), "null"),
        (.double(.nan), "null"), ("", "\"\""), ("a/b", "\"a/b\""), ("ü😀\u{7F}", "\"ü😀\u{7F}\""),
        ("\"\\\u{8}\t\n\u{C}\r\u{0}\u{1F}", #""\"\\\b\t\n\f\r\u0000\u001f""#),
        (.array([]), "[]"), ([1, [nil]], "[1,[null]]"), (.object([:]), "{}"), (["a\"": [true]], #"{"a\"":[true]}"#),
    ]

    @Test(arguments: cases)
    func valuesAreWrittenSo(_ value: JSONValue, _ expected: String) {
        #expect(text(value) == expected)
    }

    /// Another implementation reads what was written, whatever is in it.
    @Test func foundationReadsItBack() throws {
        let random = SeededRandomSource(seed: 7)
        for _ in 0..<500 {
            let value = JSONValue.random(random, depth: 4)
            let read = try JSONDecoder().decode(JSONValue.self, from: Data(text(value).utf8))
            #expect(read == value, "\(text(value))")
        }
    }
}

extension JSONValue {
    /// Any value that comes back as it was.
    fileprivate static func random(_ random: some RandomSource, depth: Int) -> JSONValue {
        func number(_ below: UInt64) -> Int { Int(random.next() % below) }
        func someText() -> String {
            let scalars = (0..<number(12)).map { _ -> Unicode.Scalar in
                let limits: [UInt64] = [0x20, 0x80, 0x800, 0xD800, 0x11_0000]
                return Unicode.Scalar(UInt32(random.next() % limits[number(5)])) ?? "\u{FFFD}"
            }
            return String(String.UnicodeScalarView(scalars))
        }
        switch number(depth > 0 ? 8 : 6) {
        case 0: return .null
        case 1: return .bool(number(2) == 0)
        case 2: return .int(Int64(bitPattern: random.next()))
        // A half more: a whole one comes back as a whole number.
        case 3: return .double(Double(Int32(truncatingIfNeeded: Int(bitPattern: UInt(random.next())))) + 0.5)
        case 4, 5: return .string(someText())
        case 6: return .array((0..<number(4)).map { _ in .random(random, depth: depth - 1) })
        default:
            let members = (0..<number(4)).map { _ in (someText(), JSONValue.random(random, depth: depth - 1)) }
            return .object(Dictionary(members, uniquingKeysWith: { $1 }))
        }
    }
}
