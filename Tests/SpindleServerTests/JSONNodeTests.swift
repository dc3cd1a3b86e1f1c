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

    /// Whatever becomes of a good text by accident, it is read as Foundation reads it, or refused.
    @Test func neverReadsMoreThanFoundation() {
        let random = SeededRandomSource(seed: 11)
        let bytes = Array(#"{"a":[1,-2.5e3,"x\n\u00fcü",{"b":null,"c":[true,false,{}]}],"d":"\ud83d\ude00","e":1e2}"#.utf8)
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
            guard let ours = try? read(JSONValue.self, text) else { continue }
            let theirs = try? JSONDecoder().decode(JSONValue.self, from: Data(text))
            #expect(ours == theirs, "\(String(decoding: text, as: UTF8.self))")
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
