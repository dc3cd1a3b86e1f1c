import Testing

@testable import SpindleCore

/// Regular expressions of schemas.
@Suite
struct SchemaPatternTests {
    private static func fits(_ pattern: String, _ text: String) throws -> Bool {
        try SchemaPattern(pattern).search(text).found
    }

    @Test(
        "what fits and what does not",
        arguments: [
            ("", ["", "a"], []),
            ("b", ["abc"], ["", "ac"]),
            ("^b$", ["b"], ["ab", "ba", "b\n"]),
            ("^(a|bc)*$", ["", "abca"], ["ab", "cb"]),
            ("^a{2}$", ["aa"], ["a", "aaa"]),
            ("^a{2,}$", ["aa", "aaaaa"], ["a"]),
            ("^a{1,3}?$", ["a", "aaa"], ["", "aaaa"]),
            ("^a{0}$", [""], ["a"]),
            ("^x{a}$", ["x{a}"], ["xa"]),
            ("^[a-c-]+$", ["a-c", "-"], ["d"]),
            ("^[^a-c]$", ["d", "é"], ["a", "", "dd"]),
            ("^[]a]$", [], ["a", "]a"]),
            ("^[^]$", ["a", "\n"], [""]),
            ("^[\\d\\-x]+$", ["1-x"], ["a"]),
            ("^[\\D]$", ["a"], ["1"]),
            ("^[a\\]]$", ["]"], ["\\"]),
            ("^\\w+\\s\\W$", ["ab1_ -"], ["ab1_--"]),
            ("^.$", ["a", "é", "😀"], ["\n", "\r", "\u{2028}", "ab"]),
            ("\\bfoo\\b", ["a foo b", "foo"], ["food", "a_foo"]),
            ("\\Boo", ["foo"], ["oo"]),
            ("^(?:ab)+?c$", ["abc", "ababc"], ["c"]),
            ("^(?<name>ab)$", ["ab"], ["name"]),
            ("^\\x41\\u0042\\u{43}\\t\\/\\.\\cA$", ["ABC\t/.\u{01}"], ["ABC"]),
            ("^\\uD83D\\uDE00$", ["😀"], ["x"]),
            ("^\\p{Lu}\\p{L}\\P{L}$", ["Äb1"], ["äb1", "Äbc"]),
            ("^(a?)*b$", ["aab", "b"], ["a"]),
            ("^(|a)+$", ["", "aa"], ["b"]),
            ("^(^a|b$)+$", ["a", "b", "ab"], ["ba"]),
            ("a|^b|c$", ["xa", "bx", "xc"], ["xb", "cx"]),
            ("^(((a{1,2}){1,2}){1,2})$", ["a", "aaaaaaaa"], ["aaaaaaaaa"]),
        ] as [(String, [String], [String])]
    )
    func fits(_ pattern: String, _ good: [String], _ bad: [String]) throws {
        for text in good { #expect(try Self.fits(pattern, text), "\(pattern) fits \(text)") }
        for text in bad { #expect(try !Self.fits(pattern, text), "\(pattern) does not fit \(text)") }
    }

    @Test(
        "what cannot be read, or is not supported, is refused with the reason",
        arguments: [
            ("[", "class"), ("a**", "repetition"), ("*a", "nothing before"), ("(", "parenthesis"), (")", "parenthesis"),
            ("a{3,2}", "more at least"), ("\\", "backslash"), ("[b-a]", "range"), ("\\q", "\\q"), ("\\x4", "hexadecimal"),
            ("\\u{110000}", "no such character"), ("(a)\\1", "backreference"), ("(?<n>a)\\k<n>", "backreference"),
            ("(?=a)", "lookaround"), ("(?<!a)b", "lookaround"), ("(?i)a", "lookaround or flags"),
            ("\\p{Greek}", "general categories"),
            ("a{100000}", "too many"), ("(a{200}){200}", "too many"), ("(?<n", "no end"),
        ]
    )
    func refused(_ pattern: String, _ reason: String) {
        do throws(PatternRefusal) {
            _ = try SchemaPattern(pattern)
            Issue.record("\(pattern) is taken")
        } catch {
            #expect(error.reason.contains(reason), "\(error.reason)")
        }
    }

    @Test("deep, long and empty expressions cost no more than they may")
    func bounds() throws {
        #expect(throws: PatternRefusal.self) { try SchemaPattern(String(repeating: "(", count: 4000)) }
        #expect(throws: PatternRefusal.self) { try SchemaPattern(String(repeating: "a", count: 4097)) }
        _ = try SchemaPattern("((((){1000000}){1000000}){1000000})*")
        #expect(try Self.fits("^((a*)*)*$", String(repeating: "a", count: 1000)))
    }

    @Test(
        "expressions that a backtracking reader takes for ever over take a number of steps that the lengths bound",
        arguments: ["(a+)+$", "^(a|aa)+$", "^(a|a?)+$", "(.*)*x", "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y"]
    )
    func bounded(_ pattern: String) throws {
        let text = String(repeating: "a", count: 4095) + "!"
        let compiled = try SchemaPattern(pattern)
        let run = compiled.search(text)
        #expect(!run.found)
        // Each step of the program at each place, taken and followed: far below what 2^4096 ways would need.
        #expect(run.steps <= 4097 * 2 * 64, "\(run.steps)")
    }

    @Test("a class with many parts is looked into as quickly as one with few")
    func largeClass() throws {
        let few = try SchemaPattern("^[acegikmoqsuwy02468]$")
        for scalar in (0..<128).compactMap(Unicode.Scalar.init) {
            #expect(few.search(String(scalar)).found == "acegikmoqsuwy02468".unicodeScalars.contains(scalar), "\(scalar)")
        }
        // The same character again and again is one, and kinds of characters cost what they take.
        let many = try SchemaPattern("^[\(String(repeating: "b", count: 4000))a]+$")
        #expect(many.search(String(repeating: "a", count: 4096)).steps <= 4097 * 8)
        let kinds = try SchemaPattern("^[\(String(repeating: "\\D", count: 1000))]+$")
        #expect(kinds.search(String(repeating: "a", count: 100)).steps >= 100 * 1000)
    }

    @Test("expressions of a schema together take no more than a check may")
    func budget() throws {
        let pattern = try SchemaPattern("^(\(String(repeating: "a?", count: 1000)))+b")
        let text = String(repeating: "a", count: 4096)
        let steps = SchemaSteps(1000)
        #expect(!pattern.matches(text, steps))
        #expect(steps.areOver && steps.patternSteps == 0)
        #expect(try !SchemaPattern("").matches("", steps))
        // The whole check then says so, instead of a wrong answer.
        let schema = try JSONSchema(#"{"not": {"pattern": "^(\#(String(repeating: "a?", count: 2000)))+b"}}"#)
        #expect(schema.violation(in: .string("short")) == nil)
    }

    @Test("small expressions say what Swift's own say", arguments: 1...40)
    func differential(_ seed: Int) throws {
        let random = SeededRandomSource(seed: UInt64(seed))
        var compared = 0
        for _ in 0..<50 {
            let pattern = Self.pattern(random, depth: 3)
            guard let own = try? SchemaPattern(pattern), let other = try? Regex(pattern) else { continue }
            for _ in 0..<10 {
                let text = String(
                    (0..<Int(random.next() % 7)).map { _ in Character(["a", "b", "1", "_", " "][Int(random.next() % 5)]) }
                )
                let expected = try other.firstMatch(in: text) != nil
                #expect(own.search(text).found == expected, "\(pattern) in \"\(text)\"")
                compared += 1
            }
        }
        #expect(compared > 100)
    }

    private static func pattern(_ random: SeededRandomSource, depth: Int) -> String {
        func pick(_ items: [String]) -> String { items[Int(random.next() % UInt64(items.count))] }
        if depth == 0 { return pick(["a", "b", "1", ".", "[ab]", "[^a]", "\\d", "\\w", "\\s", "\\W", "[a-b1]", "\\D"]) }
        let inner = { Self.pattern(random, depth: depth - 1) }
        switch random.next() % 8 {
        case 0: return inner() + inner()
        case 1: return "(\(inner())|\(inner()))"
        case 2: return "(?:\(inner()))" + pick(["*", "+", "?", "{2}", "{1,2}", "{0,1}", "*?", "+?", "??"])
        case 3: return "^" + inner()
        case 4: return inner() + "$"
        case 5: return "(\(inner()))" + inner()
        default: return inner()
        }
    }
}
