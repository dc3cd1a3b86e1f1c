import FoundationEssentials
import Glibc
import SpindleCore
import Testing

@testable import SpindlePlugins

/// References, values and what hides them, without a plugin.
@Suite struct SecretTests {
    @Test(
        "what refers to a secret",
        arguments: [
            ("secret://token", SecretReference.name("token")), ("Bearer secret://a.b-C_1", .name("a.b-C_1")), ("secret://", .none),
            ("a secret://b c", .none), ("xsecret://token", .none), ("secret://../x", .malformed("../x")),
            ("secret://.x", .malformed(".x")),
            ("secret://a b", .malformed("a b")), ("", .none), ("about secret://", .none), ("Basic secret://../x", .none),
        ]
    )
    func references(_ value: String, _ expected: SecretReference) { #expect(SecretReference(in: value) == expected) }

    private static let value = "p4ss/w+rd \"\\é\n\u{1}~Zz"

    private static func redaction(_ value: String) -> Redaction {
        Array(value.utf8).withUnsafeBytes { Redaction(SecretPatterns.all(of: $0)) }
    }

    @Test("each form of a secret is hidden, wherever it stands")
    func forms() throws {
        let bytes = Array(Self.value.utf8)
        let redaction = Self.redaction(Self.value)
        let json = String(decoding: try JSONEncoder().encode(Self.value), as: UTF8.self)
        let percent = Self.value.addingPercentEncoding { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || "-._~".utf8.contains(byte)
        }
        var forms = [
            Self.value, String(json.dropFirst().dropLast()), percent, percent.replacing("%20", with: "+"), percent.lowercased(),
        ]
        // Lower-case digits, but letters as they are.
        forms[4] = percent.replacing(/%[0-9A-F]{2}/) { $0.output.lowercased() }
        for form in forms {
            for (before, after) in [("", ""), ("x", "y"), ("***", "\0"), ("é", "é")] {
                #expect(redaction.text(before + form + after) == "\(before)***\(after)", "\(form)")
            }
        }
        for offset in 0..<6 {
            for end in 0..<3 {
                let data = Data(Array("xyzxyz".utf8.prefix(offset)) + bytes + Array("uvw".utf8.prefix(end)))
                for text in [
                    data.base64EncodedString(), data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_"),
                ] {
                    let clean = redaction.text(text)
                    #expect(clean.contains("***"), "\(text)")
                    // At the borders a few characters stand for other bytes too.
                    #expect(clean.count <= 3 + (offset + 2) / 3 * 4 + 8, "\(clean)")
                }
            }
        }
        #expect(redaction.text("nothing to hide") == "nothing to hide")
    }

    @Test("the lines of a secret of several lines are hidden one by one")
    func lines() {
        let redaction = Self.redaction("-----BEGIN KEY-----\nAAAABBBBCCCC\nshort\n-----END KEY-----")
        #expect(redaction.text("x AAAABBBBCCCC y short") == "x *** y short")
    }

    @Test("overlapping secrets leave nothing of each other")
    func overlap() {
        let redaction = Redaction([Array("abcabcabd".utf8), Array("cabdefgh".utf8), Array("aaaaaaaa".utf8)])
        #expect(redaction.text("xabcabcabdefghy") == "x***y")
        #expect(redaction.text("abcabcabcabd.") == "abc***.")
        #expect(redaction.text(String(repeating: "a", count: 100)) == "***")
    }

    @Test("in pieces, cut at every place, the same comes out")
    func pieces() {
        let secrets = ["abababab-end", "xxxxxxxxy"]
        let redaction = Redaction(secrets.map { Array($0.utf8) })
        let text = Array("ab ababababab-end tail xxxxxxxxxxxy abababab-en xxxxxxxx".utf8)
        let whole = redaction.bytes(text)
        for first in 0...text.count {
            for second in first...text.count {
                var stream = RedactedStream()
                var out = stream.take(Array(text[..<first]), redaction, isLast: false)
                out += stream.take(Array(text[first..<second]), redaction, isLast: false)
                out += stream.take(Array(text[second...]), redaction, isLast: true)
                if out != whole { Issue.record("cut at \(first) and \(second): \(String(decoding: out, as: UTF8.self))") }
            }
        }
    }

    @Test("a secret that is cut with a long line is hidden on both sides; short lines are left alone")
    func cutLines() {
        let redaction = Redaction([Array("opensesame".utf8)])
        let filler = String(repeating: "x", count: 10_000)
        for cut in 4..<10 {
            var lines = RedactedLines()
            let first = lines.take(filler + "opensesame".prefix(cut), redaction)
            let second = lines.take("opensesame".dropFirst(cut) + " and more", redaction)
            #expect(first == "\(filler)***" && second == "*** and more", "cut at \(cut): \(first.suffix(12)), \(second)")
            #expect(lines.take("plain", redaction) == "plain")
        }
        var lines = RedactedLines()
        #expect(lines.take("it is open", redaction) == "it is open")
        #expect(lines.take("sesame", redaction) == "sesame")
    }

    @Test("only a closed file of a legal size is a secret; one line end is not part of it")
    func source() throws {
        let workspace = try Workspace()
        try #require(chmod(workspace.state, 0o700) == 0)
        let source = SecretSource(directory: workspace.state, isCredentials: false)
        func write(_ text: String, _ mode: mode_t = 0o400) throws {
            let path = "\(workspace.state)/token"
            unlink(path)
            try Data(text.utf8).write(to: URL(filePath: path))
            try #require(chmod(path, mode) == 0)
        }
        func reason() -> String? {
            do throws(SecretFailure) {
                _ = try source.read("token")
                return nil
            } catch {
                return "\(error.code): \(error.message)"
            }
        }
        #expect(reason()?.hasPrefix("spindle.secret.missing") == true)
        for (text, expected) in [
            ("opensesame", "opensesame"), ("opensesame\n", "opensesame"), ("opensesame\r\n", "opensesame"),
            ("opensesame\n\n", "opensesame\n"),
        ] {
            try write(text)
            let value = try source.read("token")
            #expect(String(decoding: value.bytes, as: UTF8.self) == expected)
            #expect("\(value)" == "***")
        }
        for (text, mode, expected) in [
            ("short", 0o400, "8 to 65536"), ("", 0o400, "8 to 65536"), ("opensesame", 0o440, "others can read it"),
            ("opensesame", 0o404, "others can read it"),
            (String(repeating: "x", count: 65_537), 0o400, "8 to 65536"),
            (String(repeating: "x", count: 70_000), 0o400, "more than"),
        ] as [(String, mode_t, String)] {
            try write(text, mode)
            #expect(reason()?.contains(expected) == true, "\(reason() ?? "accepted")")
            #expect(reason()?.contains("opensesame") != true)
        }
        // systemd's own way of letting one user in.
        try write("opensesame", 0o440)
        let given = SecretSource(directory: workspace.state, isCredentials: true)
        if geteuid() == 0 { #expect(try given.read("token").count == 10) }
        try write("opensesame", 0o444)
        #expect(throws: SecretFailure.self) { try given.read("token") }
        unlink("\(workspace.state)/token")
        try #require(symlink("other", "\(workspace.state)/token") == 0)
        #expect(reason()?.contains("cannot be opened") == true)
        unlink("\(workspace.state)/token")
        try #require(mkdir("\(workspace.state)/token", 0o700) == 0)
        #expect(reason()?.contains("not a regular file") == true)
    }
}

extension String {
    fileprivate func addingPercentEncoding(_ isPlain: (UInt8) -> Bool) -> String {
        utf8.reduce(into: "") { text, byte in
            let digits = String(byte, radix: 16, uppercase: true)
            text += isPlain(byte) ? String(UnicodeScalar(byte)) : "%" + (digits.count < 2 ? "0" : "") + digits
        }
    }
}
