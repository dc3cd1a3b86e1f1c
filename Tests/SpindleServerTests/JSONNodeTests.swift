import Foundation
import SpindleCore
import Testing

@testable import SpindleServer

/// The reader of bodies, beside Foundation's.
@Suite struct JSONNodeTests {
    private func read<Value: Decodable>(_ type: Value.Type, _ text: [UInt8]) throws -> Value {
        try text.withUnsafeBufferPointer { try JSONNodeDecoder.decode(type, $0) }
    }

    private static let texts = [
        "null", "true", " false ", "0", "-0", "12", "-9223372036854775808", "9223372036854775807", "9223372036854775808",
        "18446744073709551615", "1.0", "1e2", "1E+2", "1.25e-3", "0.1", "123456789012345678901234567890", "-0.0",
        "\"\"", "\"a\"", #""\"\\\/\b\f\n\r\t\u00e9""#, #""\ud83d\ude00x""#, #""\u0000""#, "\"\u{7F}ü😀\"",
        "[]", "[1,[2,[]],{}]", "{}", #"{"a":1,"b":{"c":[null,true]}}"#, #"{"a":1,"a":2}"#, " { \"a\" : [ 1 , 2 ] } ",
        "{\"\u{FC}\":\"\"}", "\t\r\n[ ]\n",
    ]

    private static let broken = [
        "", " ", "nul", "nulll", "True", "NaN", "-", "+1", "01", "1.", ".5", "1e", "1e+", "0x1", "-a", "1 2", "\"", "\"a",
        #""\"#, #""\x""#, #""\u12""#, #""\u12g4""#, #""\ud800""#, #""\ud800a""#, #""\ud800\n""#, #""\ud800\u0041""#, #""\ude00""#,
        "\"\u{1}\"", "\"\n\"", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{", "}", "{a:1}", "{\"a\"}", "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1 \"b\":2}", "{1:2}", "{\"a\":1}}", "[1]x", "'a'", "// a\n1", "{\"a\" 1}", "{,}",
    ]

    @Test(arguments: texts) func readsWhatFoundationReads(_ text: String) throws {
        let theirs = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        #expect(try read(JSONValue.self, Array(text.utf8)) == theirs)
    }

    @Test(arguments: broken) func refusesWhatIsNoJSON(_ text: String) {
        #expect {
            try read(JSONValue.self, Array(text.utf8))
        } throws: { error in
            (error as? SpindleError)?.code == .invalidRequest && "\(error)".contains("The body is not JSON: ")
        }
    }

    @Test func saysWhereItIsWrong() {
        for (text, words) in [
            ("{\"a\":tru}", "there is no such value (byte 8)"), ("[1,]", "a comma stands before a bracket (byte 3)"),
            ("{\"a\":1", "it ends too soon (byte 6)"), ("[1 2]", "a comma or a bracket is missing (byte 3)"),
        ] {
            #expect(throws: SpindleError(.invalidRequest, "The body is not JSON: \(words).")) {
                try read(JSONValue.self, Array(text.utf8))
            }
        }
    }

    @Test func textMustBeUTF8() {
        for bytes: [UInt8] in [
            [0x22, 0xFF, 0x22], [0x22, 0xC3, 0x28, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0x5C, 0x6E, 0xFF, 0x22],
        ] {
            #expect(throws: SpindleError.self) { try read(String.self, bytes) }
        }
    }

    /// Whatever becomes of a good text by accident, it is read as Foundation reads it, or refused by both.
    @Test func readsAsMuchAsFoundation() {
        let random = SeededRandomSource(seed: 11)
        let bytes = Array(#"{"a":[1,-2.5e3,"x\n\u00fcü",{"b":null,"c":[true,false,{}]}],"d":"\ud83d\ude00","e":1e2}"#.utf8)
        var accepted = 0
        for _ in 0..<20_000 {
            var text = bytes
            for _ in 0...random.next() % 3 {
                let place = Int(random.next() % UInt64(text.count))
                switch random.next() % 3 {
                case 0: text[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: text.remove(at: place)
                default: text.insert(text[Int(random.next() % UInt64(text.count))], at: place)
                }
            }
            let theirs = try? JSONDecoder().decode(JSONValue.self, from: Data(text))
            do {
                let ours = try read(JSONValue.self, text)
                accepted += 1
                #expect(ours == theirs, "\(String(decoding: text, as: UTF8.self))")
            } catch {
                #expect(
                    theirs == nil || "\(error)".contains("a comma stands before a bracket"),
                    "\(error): \(String(decoding: text, as: UTF8.self))"
                )
            }
        }
        #expect(accepted > 1000)
    }

    /// Each look at a name looks through few of them, or a body of some MiB would keep a thread for hours.
    @Test func manyMembersAreFoundByTheirNames() throws {
        var members = JSONMembers()
        let names = (0..<200_000).map { "name-\($0)" }
        for (index, name) in names.enumerated() { members.append(name, .number(JSONNumber(text: "\(index)"))) }
        members.append("name-7", .null)
        #expect(members.list.count == names.count)
        for (index, name) in names.enumerated() {
            guard case .number(let number)? = members[name], number.integer(Int.self) == index else {
                Issue.record("\(name) is lost")
                return
            }
        }
        #expect(members["name-200000"] == nil)
        let text = "{" + names.map { "\"\($0)\":1" }.joined(separator: ",") + "}"
        let read = try read([String: Int].self, Array(text.utf8))
        #expect(read.count == names.count && read.values.allSatisfy { $0 == 1 })
    }

    @Test func anyNumberOfMembersCountsTheFirst() throws {
        for count in [1, 15, 16, 17, 40] {
            let others = (0..<count).map { "\"n\($0)\":\($0)" }
            let text = "{" + (["\"a\":1"] + others + ["\"a\":2", "\"n0\":9"]).joined(separator: ",") + "}"
            let read = try read([String: Int].self, Array(text.utf8))
            #expect(read.count == count + 1 && read["a"] == 1 && read["n0"] == 0, "\(count)")
        }
    }

    @Test(
        arguments: [
            ("1e18", 1_000_000_000_000_000_000), ("9007199254740993.0", 9_007_199_254_740_993),
            ("12345678901234567.00", 12_345_678_901_234_567),
            ("92233720368547758.07e2", Int64.max), ("-9223372036854775808.0", Int64.min), ("0e999999999999", 0), ("0.000", 0),
            ("-0e-5", 0),
            ("100e-2", 1), ("0.012e3", 12), ("1e-400", nil), ("1e19", nil), ("1.5", nil), ("15e-1", nil), ("1e999999999999", nil),
            ("9223372036854775808.0", nil), ("0.1e0", nil), ("10e-3", nil),
        ] as [(String, Int64?)]
    )
    func wholeNumbersAreExact(_ text: String, _ expected: Int64?) {
        #expect(JSONNumber(text: text).integer(Int64.self) == expected)
    }

    @Test func whatIsTooSmallIsNotZero() {
        #expect(JSONNumber(text: "1e-400").real(Double.self) == nil)
        #expect(JSONNumber(text: "0.0e-400").real(Double.self) == 0)
        #expect(JSONNumber(text: "5e-324").real(Double.self) == .leastNonzeroMagnitude)
        #expect(JSONNumber(text: "1e400").real(Double.self) == nil)
    }

    @Test func listsHaveABound() throws {
        let most = JSONParser.mostContainers
        func lists(_ count: Int) -> [UInt8] { Array(("[" + String(repeating: "[],", count: count - 1) + "0]").utf8) }
        _ = try read([JSONValue].self, lists(most))
        #expect(throws: SpindleError(.invalidRequest, "The body has more than \(most) lists and objects.")) {
            try read([JSONValue].self, lists(most + 1))
        }
    }

    @Test func depthHasABound() throws {
        let most = JSONParser.deepest
        func nested(_ depth: Int) -> [UInt8] { [UInt8](repeating: 0x5B, count: depth) + [UInt8](repeating: 0x5D, count: depth) }
        _ = try read(JSONValue.self, nested(most))
        #expect(throws: SpindleError(.invalidRequest, "The body is nested deeper than \(most) levels.")) {
            try read(JSONValue.self, nested(most + 1))
        }
        #expect(throws: SpindleError.self) { try read(JSONValue.self, nested(1_000_000)) }
    }

    private struct Numbers: Decodable, Equatable {
        var small: Int8?
        var large: UInt64?
        var real: Double?
        var list: [Int32]?
    }

    @Test func numbersFitOrAreRefused() throws {
        let good = #"{"small":-128,"large":18446744073709551615,"real":-0.5,"list":[1.0,2e1]}"#
        #expect(try read(Numbers.self, Array(good.utf8)) == Numbers(small: -128, large: .max, real: -0.5, list: [1, 20]))
        for text in [
            #"{"small":128}"#, #"{"large":-1}"#, #"{"large":18446744073709551616}"#, #"{"real":1e999}"#, #"{"list":[1.5]}"#,
        ] {
            #expect(throws: DecodingError.self) { try read(Numbers.self, Array(text.utf8)) }
        }
    }

    /// The place in a message is that of Foundation's decoder.
    @Test func errorsNameThePlace() {
        struct Inner: Decodable { var b: [String] }
        struct Outer: Decodable { var a: [Inner] }
        for text in [
            #"{"a":[{"b":["x",7]}]}"#, #"{"a":[{"b":[null]}]}"#, #"{"a":[{}]}"#, #"{"a":[7]}"#, #"{"a":{}}"#, "[]", #"{"b":1}"#,
        ] {
            #expect(
                Self.place { _ = try read(Outer.self, Array(text.utf8)) }
                    == Self.place { _ = try JSONDecoder().decode(Outer.self, from: Data(text.utf8)) },
                "\(text)"
            )
        }
    }

    private static func place(_ read: () throws -> Void) -> String? {
        do {
            try read()
            return nil
        } catch let error as DecodingError {
            func path(_ context: DecodingError.Context) -> String {
                context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
            }
            switch error {
            case .typeMismatch(_, let context): return "type " + path(context)
            case .valueNotFound(_, let context): return "null " + path(context)
            case .keyNotFound(let key, let context): return "missing \(key.stringValue) " + path(context)
            case .dataCorrupted(let context): return "corrupt " + path(context)
            @unknown default: return "unknown"
            }
        } catch { return "\(error)" }
    }

    @Test func theTextOfABatchIsTheEncoders() throws {
        let id = ExecutionID(UUIDv7(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0001))
        let receipts = [true, false].map { BatchReceiptBody.Entry(receipt: ReceiptBody(SubmissionReceipt(id: id, created: $0))) }
        let problems = [nil, "r-1"].map { request in
            ProblemBody(status: 400, title: "Bad Request", code: "invalidRequest", detail: "no \"x\"\n/ü", requestId: request)
        }
        for entries in [[], receipts, problems.map { BatchReceiptBody.Entry(problem: $0) } + receipts] {
            let body = BatchReceiptBody(executions: entries)
            #expect(body.text.string == String(decoding: try JSONEncoder.compact.encode(body), as: UTF8.self))
        }
    }
}
