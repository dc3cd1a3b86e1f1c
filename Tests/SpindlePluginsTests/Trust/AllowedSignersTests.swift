import FoundationEssentials
import Glibc
import SpindleCore
import Testing

@testable import SpindlePlugins

/// Whose signatures count; our verdict is compared with that of `ssh-keygen -Y verify` on the same files.
@Suite(.timeLimit(.minutes(5)))
struct AllowedSignersTests {
    private let workspace: Workspace
    private let keygen: Keygen
    private let file: String
    private let key: String
    private let publicKey: String

    init() throws {
        workspace = try Workspace()
        keygen = Keygen(directory: workspace.path)
        file = try keygen.write("bytes", to: "p.so")
        key = try keygen.key("ada")
        publicKey = try keygen.publicKey(key)
        try keygen.sign(file, with: key)
    }

    /// Ours, or why not.
    private func verdict(_ signers: String, principal: String? = nil, revoked: String? = nil) async -> (Bool, String) {
        do {
            let signer = try await PluginSignature.verify(
                file: file,
                signers: signers,
                revoked: revoked,
                principal: principal,
                now: SystemClock().now
            )
            return (true, signer.principals)
        } catch {
            return (false, "\(error)")
        }
    }

    /// A list with `KEY` for the key that signed and `OTHER` for another, and whether it should count.
    private static let lists: [(String, Bool)] = [
        ("ada KEY", true),
        ("ada OTHER", false),
        ("bob KEY", false),
        ("# ada KEY", false),
        ("", false),
        ("\n\n# nothing\n   \nada KEY\n", true),
        ("  ada\t KEY", true),
        ("bob,ada KEY", true),
        ("a* KEY", true),
        ("?da KEY", true),
        ("*,!ada KEY", false),
        ("!bob,* KEY", true),
        ("*@example.com KEY", false),
        ("\"ada\" KEY", true),
        ("ada namespaces=\"spindle-plugin\" KEY", true),
        ("ada namespaces=\"file\" KEY", false),
        ("ada namespaces=\"file,spindle-*\" KEY", true),
        ("ada namespaces=\"*,!spindle-plugin\" KEY", false),
        ("ada NAMESPACES=\"spindle-plugin\" KEY", true),
        ("ada namespaces=spindle-plugin KEY", false),
        ("ada namespaces=\"spindle-plugin KEY", false),
        ("ada valid-after=\"20200101\" KEY", true),
        ("ada valid-after=\"20200101Z\",valid-before=\"20990101Z\" KEY", true),
        ("ada valid-after=\"99990101Z\" KEY", false),
        ("ada valid-before=\"20200101Z\" KEY", false),
        ("ada valid-before=\"209901010101Z\" KEY", true),
        ("ada valid-before=\"20990101010101\" KEY", true),
        ("ada valid-before=\"soon\" KEY", false),
        ("ada valid-before=\"20209901Z\" KEY", false),
        ("ada valid-before=\"20990101Z\",valid-before=\"20990101Z\" KEY", false),
        ("ada valid-after=\"20300101Z\",valid-before=\"20200101Z\" KEY", false),
        ("ada cert-authority KEY", false),
        ("ada unknown KEY", false),
        ("ada namespaces=\"spindle-plugin\", KEY", false),
        ("ada", false),
        ("ada ssh-ed25519", false),
        ("ada ssh-ed25519 AAAA", false),
        ("ada ssh-nothing AAAA", false),
        ("garbage\n\u{1}\u{2}\n= = =\nada KEY", true),
        ("ada OTHER\nada KEY", true),
        ("ada valid-before=\"20200101Z\" KEY\nada KEY", true),
        ("ada cert-authority KEY\nada KEY", true),
        ("ada KEY\r\n", true),
        ("ada namespaces=\"spindle-plugin\" KEY\r\n# more\r\n", true),
        ("ada KEY with a comment", true),
    ]

    @Test("each list counts as it does for ssh-keygen", arguments: lists)
    func each(_ text: String, _ counts: Bool) async throws {
        let other = try keygen.publicKey(keygen.key("other"))
        let plain = publicKey.split(separator: " ").prefix(2).joined(separator: " ")
        let signers = try keygen.write(text.replacing("KEY", with: plain).replacing("OTHER", with: other), to: "signers")
        let (ours, why) = await verdict(signers, principal: "ada")
        let theirs = keygen.verifies(file, "\(file).sig", signers: signers, principal: "ada")
        #expect(ours == theirs, "\(why)")
        #expect(ours == counts, "\(why)")
    }

    @Test("each list of revoked keys counts as it does for ssh-keygen")
    func revoked() async throws {
        let signers = try keygen.write("ada \(publicKey)\n", to: "signers")
        let other = try keygen.publicKey(keygen.key("other"))
        let rsa = try keygen.publicKey(keygen.key("rsa", "rsa"))
        let cases: [(String, Bool)] = [
            ("", true), ("# \(publicKey)\n", true), (other, true), ("\(rsa)\n\(other)\n", true), (publicKey, false),
            ("# old\n\n  \(publicKey) lost in a taxi\n", false), ("\(other)\n\(publicKey)\n", false), ("garbage\n", false),
            ("\(other)\ngarbage\n", false),
        ]
        for (text, counts) in cases {
            let revoked = try keygen.write(text, to: "revoked")
            let (ours, why) = await verdict(signers, principal: "ada", revoked: revoked)
            #expect(
                ours == keygen.verifies(file, "\(file).sig", signers: signers, principal: "ada", revoked: revoked),
                "\(text): \(why)"
            )
            #expect(ours == counts, "\(text): \(why)")
        }
    }

    @Test("each refusal says why, and who signed is told")
    func sentences() async throws {
        let fingerprint = "ssh-ed25519 SHA256:"
        let cases: [(String, String)] = [
            ("bob \(publicKey)", "is not \"ada\"'s by"),
            ("ada namespaces=\"file\" \(publicKey)", "may not sign for \"spindle-plugin\""),
            ("ada valid-after=\"99990101\" \(publicKey)", "is not valid yet by"),
            ("ada valid-before=\"20200101\" \(publicKey)", "is not valid any more by"),
            ("ada cert-authority \(publicKey)", "cert-authority is not supported"), ("", "does not have the key"),
        ]
        for (text, reason) in cases {
            let (counts, why) = await verdict(try keygen.write(text, to: "signers"), principal: "ada")
            #expect(!counts && why.contains(reason) && why.contains(fingerprint), "\(why)")
        }
        let (counts, who) = await verdict(try keygen.write("ada@example.com,bob \(publicKey)", to: "signers"))
        #expect(counts && who == "ada@example.com,bob")
    }

    @Test("a file without its signature, or with another's, is told apart from one that cannot be read")
    func files() async throws {
        let signers = try keygen.write("ada \(publicKey)\n", to: "signers")
        #expect(await verdict(signers).0)
        #expect(await verdict("\(workspace.path)/nothing").1.contains("cannot be opened"))
        try Data("bytez".utf8).write(to: URL(filePath: file))
        #expect(await verdict(signers).1.contains("it is not one of these bytes"))
        try #require(unlink("\(file).sig") == 0)
        #expect(await verdict(signers).1.contains("is not signed"))
    }

    @Test("a key that is added counts, once, and only for plugins")
    func trust() async throws {
        let line = try await PluginSigners.trust(
            publicKey: "\(key).pub",
            principal: "ada@example.com",
            validBefore: "20990101Z",
            in: workspace.plugins
        )
        #expect(line.hasPrefix("ada@example.com namespaces=\"spindle-plugin\",valid-before=\"20990101Z\" ssh-ed25519 "))
        let signers = "\(workspace.plugins)/allowed_signers"
        #expect(await verdict(signers, principal: "ada@example.com").0)
        #expect(keygen.verifies(file, "\(file).sig", signers: signers, principal: "ada@example.com"))
        await #expect(throws: SpindleError.self) {
            try await PluginSigners.trust(publicKey: "\(key).pub", principal: "bob", in: workspace.plugins)
        }
        for (principal, until) in [("a b", "20990101"), ("a,b", "20990101"), ("*", "20990101"), ("bob", "tomorrow")] {
            await #expect(throws: SpindleError.self) {
                try await PluginSigners.trust(
                    publicKey: "\(key).pub",
                    principal: principal,
                    validBefore: until,
                    in: workspace.plugins
                )
            }
        }
    }

    @Test("sign does what ssh-keygen does")
    func sign() async throws {
        try #require(unlink("\(file).sig") == 0)
        let signature = try await PluginSignature.sign(file: file, key: key)
        #expect(signature == "\(file).sig")
        let signers = try keygen.write("ada \(publicKey)\n", to: "signers")
        #expect(keygen.verifies(file, signature, signers: signers, principal: "ada"))
        #expect(await verdict(signers).0)
        // A second time replaces the first.
        _ = try await PluginSignature.sign(file: file, key: key)
        await #expect(throws: SpindleError.self) { try await PluginSignature.sign(file: file, key: "\(workspace.path)/nokey") }
    }

    @Test(
        "times that exist are read, others are not",
        arguments: [
            ("19700101Z", nil), ("19700102Z", 86_400), ("20240229Z", 1_709_164_800), ("20230229Z", nil),
            ("202402291213Z", 1_709_208_780),
            ("20240229121314Z", 1_709_208_794), ("20241301Z", nil), ("2024010124Z", nil), ("202401012400Z", nil), ("2024", nil),
            ("", nil),
            ("Z", nil), ("2024010१Z", nil),
        ] as [(String, Int64?)]
    )
    func times(_ text: String, _ seconds: Int64?) {
        #expect(SSHTime.seconds(text) == seconds)
    }
}
