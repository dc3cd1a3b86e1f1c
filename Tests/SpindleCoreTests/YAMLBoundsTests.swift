import SpindleCore
import Testing

@Suite struct YAMLBoundsTests {
    private func reason(_ text: String) -> String {
        do throws(SpindleError) {
            try YAMLBounds.check(text, file: "x.yaml")
            return "accepted"
        } catch {
            #expect(error.code == .configuration)
            return error.message
        }
    }

    /// Stars, question marks and brackets that mean nothing, as often as one likes.
    @Test func honestTextPasses() {
        let line = """
            # Is it *really* [needed]? {Yes}: a * b, *.txt, ?
            - {cron: "*/5 * * * *", glob: '*.txt', url: http://localhost/?a=b&c=*, regex: "^(?:a|b)[^*]*$", text: it's 2 ** 3}

            """
        #expect(reason(String(repeating: line, count: 8)) == "accepted")
        #expect(reason("") == "accepted")
        #expect(reason("a: &a 7d\nb: *a\n? c\n: *a\n") == "accepted")
    }

    @Test(arguments: ["\n", "\r", "\r\n"])
    func depthIsCountedInEveryKindOfLine(_ end: String) {
        let steps = (0..<40).map { String(repeating: " ", count: $0) + "a:" }
        #expect(reason(steps.prefix(32).joined(separator: end)) == "accepted")
        #expect(reason(steps.joined(separator: end)).contains("nested too deep; at most 32 levels"))
        #expect(reason(String(repeating: "[", count: 33)) == "x.yaml:1: nested too deep; at most 32 levels are allowed.")
        #expect(reason(String(repeating: "- ", count: 33)).contains("nested too deep"))
    }

    /// Whatever the parser takes for the end of a token: blanks, line breaks also beyond ASCII, and indicators.
    @Test(arguments: [" ", "\t", "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}", "\u{FEFF}", ",", ":", "[", "{", "?"])
    func aliasesAndKeysAreCountedBehindEveryEndOfToken(_ end: String) {
        let close = ["[": "]", "{": "}"][end] ?? ""
        #expect(reason(String(repeating: "a\(end)*b\(close)", count: 8)) == "accepted")
        #expect(reason(String(repeating: "a\(end)*b\(close)", count: 9)).contains("more than 8 aliases"))
        #expect(reason(String(repeating: "a\(end)? b\(close)", count: 17)).contains("more than 16 keys that begin with \"?\""))
    }
}
