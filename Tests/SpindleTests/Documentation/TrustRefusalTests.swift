import FoundationEssentials
import Glibc
import SpindleServer
import Testing

/// Every reason for which a policy refuses a file, as `Docs/plugins.md` lists it.
@Suite("Refusals of the trust policies", .timeLimit(.minutes(10)))
struct TrustRefusalTests {
    private let room: ExampleRoom
    private var plugin: String { "\(room.plugins)/greet.so" }

    init() async throws {
        room = try ExampleRoom()
        try await room.addPlugin("greet")
    }

    /// A reason without what differs from file to file: digests, keys, numbers.
    private static func plain(_ reason: String) -> String {
        reason.replacing(/[0-9a-f]{12}…/, with: "HEX").replacing(/SHA256:[A-Za-z0-9+\/…]+/, with: "KEY").replacing(
            /[0-9]+/,
            with: "N"
        )
    }

    private func reason(_ policy: String) async throws -> String {
        let listed = try await room.run("plugins", "list", "--json", "--set", "plugins.trust=\(policy)")
        try #require(listed.status == 0, "\(listed.errors)")
        let list = try JSONDecoder().decode(PluginListBody.self, from: Data(listed.output.utf8))
        return Self.plain(list.plugins.first?.reason ?? "it serves")
    }

    /// Runs a line of shell in the plugin directory's room.
    private func shell(_ line: String) async throws {
        let outcome = try await room.shell(line)
        try #require(outcome.status == 0, "\(line): \(outcome.output)")
    }

    private static func documented(_ heading: String) throws -> [String] {
        try Page.named("Docs/plugins.md").table(below: heading).map { plain($0[0].code ?? "") }
    }

    /// Compiles the plugin anew, in another version.
    private func replace(version: String) async throws {
        let source = try Example.named("greet.c", in: "README.md").text.replacing("\"1.0.0\"", with: "\"\(version)\"")
        try await room.compile(source, as: "greet")
        try await shell("rm -f greet.so.sig; spindle plugins add greet.so >added")
    }

    @Test("pinned")
    func pinned() async throws {
        var reasons = [try await reason("pinned")]
        try await shell("spindle plugins pin greet >pinned")
        #expect(try await reason("pinned") == "it serves")
        try await replace(version: "1.0.1")
        reasons.append(try await reason("pinned"))
        try await shell("printf 'lock: 1\\nplugins:\\n  greet: {id: a, version: b, sha256: c}\\n' >'\(room.plugins)/plugins.lock'")
        reasons.append(try await reason("pinned"))
        #expect(try reasons == Self.documented("#### At the policy pinned"))
    }

    @Test("signed")
    func signed() async throws {
        try await shell(
            """
            ssh-keygen -q -t ed25519 -N '' -f key; ssh-keygen -q -t ed25519 -N '' -f other
            spindle plugins trust other.pub --principal eve >trusted
            """
        )
        let signers = "'\(room.plugins)/allowed_signers'"
        var reasons = [try await reason("signed")]
        try await shell("mv \(signers) list")
        reasons.append(try await reason("signed"))
        try await shell(
            "mv list \(signers); echo bytes >file; ssh-keygen -q -Y sign -n spindle-plugin -f key file; cp file.sig '\(plugin).sig'"
        )
        reasons.append(try await reason("signed"))
        try await shell("spindle plugins sign '\(plugin)' --key key >signed")
        reasons.append(try await reason("signed"))
        try await shell("spindle plugins trust key.pub --principal ada >trusted")
        #expect(try await reason("signed") == "it serves")
        try await shell("ssh-keygen -q -Y sign -n file -f key <'\(plugin)' >'\(plugin).sig'")
        reasons.append(try await reason("signed"))
        try await shell("spindle plugins sign '\(plugin)' --key key >signed; cp \(signers) list")
        try await shell("(printf 'ada valid-before=\"20200101Z\" '; cat key.pub) >\(signers)")
        reasons.append(try await reason("signed"))
        try await shell("cp list \(signers); cp key.pub '\(room.plugins)/revoked_signers'")
        reasons.append(try await reason("signed"))
        try await shell("rm '\(room.plugins)/revoked_signers'")
        try await replace(version: "1.1.0")
        try await shell(
            "spindle plugins sign '\(plugin)' --key key >signed; spindle plugins pin greet --set plugins.trust=signed >pinned"
        )
        try await replace(version: "1.0.0")
        try await shell("spindle plugins sign '\(plugin)' --key key >signed")
        reasons.append(try await reason("signed"))
        #expect(try reasons == Self.documented("#### At the policy signed"))
    }

    @Test("verify says by its status whether a signature counts")
    func verify() async throws {
        try await shell(
            """
            ssh-keygen -q -t ed25519 -N '' -f key; spindle plugins sign greet.so --key key >signed
            (printf 'ada '; cat key.pub) >signers; (printf 'bob '; cat key.pub) >others; : >empty
            """
        )
        let good = try await room.run("plugins", "verify", "greet.so", "--signers", "signers")
        #expect(good.status == 0 && good.output.hasPrefix("greet.so is signed by ada with ssh-ed25519 SHA256:"), "\(good)")
        for (words, status) in [
            (["--signers", "signers", "--principal", "ada"], 0), (["--signers", "others", "--principal", "ada"], 1),
            (["--signers", "empty"], 1), (["--signers", "signers", "--revoked", "key.pub"], 1),
            (["--signers", "signers", "--signature", "signers"], 1), (["--signers", "nothing"], 2), ([], 2),
        ] as [([String], Int32)] {
            let outcome = try await room.start(["plugins", "verify", "greet.so"] + words).outcome
            #expect(outcome.status == status && (status == 0) == outcome.errors.isEmpty, "\(words): \(outcome)")
        }
    }
}
