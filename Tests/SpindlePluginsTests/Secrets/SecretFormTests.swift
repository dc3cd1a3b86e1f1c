import Testing

@testable import SpindlePlugins

/// What encoders of other languages make of a secret, and where texts are cut.
@Suite struct SecretFormTests {
    private static let value = "p4ss/w+rd \"<&'=>é😀!*()~`Zz"
    /// As base64 it is longer than a line.
    private static let long = String(String.UnicodeScalarView((33..<127).map { UnicodeScalar(UInt8($0)) }))

    private static func redaction(_ value: String) -> Redaction {
        Array(value.utf8).withUnsafeBytes { Redaction(SecretPatterns.all(of: $0)) }
    }

    @Test(
        "what other encoders write is hidden",
        arguments: [
            ("json.dumps of Python", #"p4ss/w+rd \"<&'=>\u00e9\ud83d\ude00!*()~`Zz"#),
            ("the same with capital digits", #"p4ss/w+rd \"<&'=>\u00E9\uD83D\uDE00!*()~`Zz"#),
            ("json_encode of PHP", #"p4ss\/w+rd \"<&'=>\u00e9\ud83d\ude00!*()~`Zz"#),
            ("json.Marshal of Go", #"p4ss/w+rd \"\u003c\u0026'=\u003eé😀!*()~`Zz"#),
            ("Gson", #"p4ss/w+rd \"\u003c\u0026\u0027\u003d\u003eé😀!*()~`Zz"#),
            ("System.Text.Json of .NET", #"p4ss/w\u002Brd \u0022\u003C\u0026\u0027=\u003E\u00E9\uD83D\uDE00!*()~\u0060Zz"#),
            ("quote of Python", "p4ss/w%2Brd%20%22%3C%26%27%3D%3E%C3%A9%F0%9F%98%80%21%2A%28%29~%60Zz"),
            ("quote_plus of Python", "p4ss%2Fw%2Brd+%22%3C%26%27%3D%3E%C3%A9%F0%9F%98%80%21%2A%28%29~%60Zz"),
            ("encodeURIComponent of JavaScript", "p4ss%2Fw%2Brd%20%22%3C%26'%3D%3E%C3%A9%F0%9F%98%80!*()~%60Zz"),
        ]
    )
    func encoders(_ encoder: String, _ form: String) {
        #expect(Self.redaction(Self.value).text("<\(form)>") == "<***>", "\(encoder)")
    }

    @Test("base64 in lines is hidden, as a whole and line by line")
    func wrapped() {
        let redaction = Self.redaction(Self.long)
        let lines = [
            // encodebytes of Python, PEM and MIME.
            "ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZ\nWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fg==",
            "ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk9Q\nUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fg==",
        ]
        for text in lines {
            // The last character stands for other bytes too.
            #expect(redaction.text(text) == "***g==")
            #expect(redaction.text(text.replacing("\n", with: "\r\n")) == "***g==")
            #expect(text.split(separator: "\n").map { redaction.text(String($0)) } == ["***", "***g=="])
        }
    }

    @Test("a secret that repeats itself does not pile up while it comes")
    func periodic() {
        let redaction = Redaction([Array("abababab".utf8)])
        var stream = RedactedStream()
        var out: [UInt8] = []
        for _ in 0..<1000 {
            out += stream.take(Array("abababab".utf8), redaction, isLast: false)
            #expect(stream.waiting < 8)
        }
        out += stream.take(Array("end".utf8), redaction, isLast: true)
        #expect(String(decoding: out, as: UTF8.self) == "***end")
    }

    @Test("the first part of a secret is hidden where a text was cut")
    func cut() {
        let redaction = Redaction([Array("opensesame".utf8)])
        let filler = String(repeating: "x", count: 90)
        #expect(redaction.text(filler + "opensesame", cutTo: 100) == filler + "***")
        #expect(redaction.text(filler + "xxxxopense", cutTo: 100) == filler + "xxxx***")
        // A character of several bytes did not fit.
        #expect(redaction.text(filler + "xxxopens", cutTo: 100) == filler + "xxx***")
        #expect(redaction.text(filler + "opens", cutTo: 100) == filler + "opens")
        #expect(redaction.text(filler + "xxxxxxxope", cutTo: 100) == filler + "xxxxxxxope")
        let twice = Redaction([Array("opensesame".utf8), Array("sesamebuns".utf8)])
        #expect(twice.text("xx opensesame", cutTo: 13) == "xx ***")
    }
}
