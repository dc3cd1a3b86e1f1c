import FoundationEssentials
import Glibc
import SpindleCore
import Synchronization
import Testing

@testable import SpindlePlugins

/// What the directory shows at each policy.
@Suite(.timeLimit(.minutes(10)))
struct TrustPolicyTests {
    private let workspace: Workspace
    private let keygen: Keygen

    init() throws {
        workspace = try Workspace()
        keygen = Keygen(directory: workspace.path)
    }

    private static let source = """
        #include <spindle/executor.h>
        static spindle_status run(void *i, spindle_handle a, const spindle_request *r) {
            (void)i; (void)a; return spindle_succeed(r, SPINDLE_STR(""), NULL); }
        static const spindle_executor_descriptor kind = { .struct_size = sizeof kind, .type = "p", .execute = run };
        static const spindle_executor_descriptor *const kinds[] = { &kind };
        static const spindle_executor_factory factory = { .struct_size = sizeof factory, .executor_count = 1,
            .executors = kinds, .plugin_id = ID, .plugin_version = VERSION };
        SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return &factory; }
        """

    private func compile(_ version: String, id: String = "com.example.p", as name: String = "p") throws {
        let words = ["-DVERSION=\"\(version)\"", "-DID=\"\(id)\""]
        try workspace.compile("", source: Self.source, as: name, flags: words)
    }

    private func host(_ policy: TrustPolicy) throws -> PluginHost {
        try PluginHost(
            configuration: PluginHostConfiguration(
                directory: workspace.plugins,
                stateDirectory: workspace.state,
                workerPath: Workspace.worker,
                probeTimeout: 60_000_000,
                trust: policy
            )
        )
    }

    private func load(_ policy: TrustPolicy) async throws -> PluginListing {
        let host = try host(policy)
        let listings = try await host.load()
        await host.stop()
        return try #require(listings.first { $0.file == "p.so" })
    }

    @discardableResult
    private func pin(_ names: [String]? = ["p"], isForced: Bool = false, _ policy: TrustPolicy = .pinned) async throws
        -> [PinOutcome]
    {
        let host = try host(policy)
        let outcomes = try await host.pin(names, isForced: isForced)
        await host.stop()
        return outcomes
    }

    private func trustKey() async throws -> String {
        let key = try keygen.key("ada")
        _ = try await PluginSigners.trust(publicKey: "\(key).pub", principal: "ada@example.com", in: workspace.plugins)
        return key
    }

    private var lock: String { "\(workspace.plugins)/plugins.lock" }

    @Test("pinned: what is not pinned is refused, what is serves, what differs is refused with both digests")
    func pinned() async throws {
        try compile("1.0.0")
        #expect(try await load(.directory).trust == PluginTrust(policy: .directory, isPinned: false))
        let unpinned = try await load(.pinned)
        #expect(unpinned.reason == "it is not pinned in plugins.lock; \"spindle plugins pin p\" pins it")
        #expect(unpinned.manifest == nil, "it was not even asked")
        let outcome = try #require(try await pin().first)
        #expect(outcome.version == "1.0.0" && outcome.reason == nil)
        let serving = try await load(.pinned)
        #expect(serving.status == .serving && serving.trust?.isPinned == true && outcome.sha256 == serving.digest)
        #expect(try await load(.directory).trust?.isPinned == true)
        try compile("1.0.1")
        let changed = try await load(.pinned)
        let (new, old) = (try #require(changed.digest), try #require(outcome.sha256))
        #expect(
            changed.reason
                == "its digest is \(new.prefix(12))…, but plugins.lock has \(old.prefix(12))…; "
                + "if the change is meant, \"spindle plugins pin p\" pins the new one"
        )
        #expect(try await load(.directory).status == .serving, "without the policy it would serve")
        try await pin()
        #expect(try await load(.pinned).status == .serving)
    }

    @Test("pin: an older version, or another plugin, takes force")
    func downgrade() async throws {
        try compile("1.10.0")
        try await pin()
        try compile("1.9.0")
        let refused = try #require(try await pin().first)
        #expect(refused.reason == "its version 1.9.0 is older than the pinned 1.10.0; --force pins it all the same")
        #expect(refused.sha256 == nil)
        #expect(try await load(.pinned).status != .serving)
        #expect(try await pin(isForced: true).first?.reason == nil)
        #expect(try await load(.pinned).status == .serving)
        try compile("2.0.0", id: "com.example.other")
        #expect(try await pin().first?.reason?.contains("com.example.other") == true)
        try compile("2.0.0-rc.1")
        #expect(try await pin().first?.reason == nil)
        try compile("newest")
        #expect(try await pin().first?.reason?.contains("cannot be compared") == true)
    }

    @Test("pin --all keeps what is there and takes out what is gone; a bad file stops no other")
    func pinAll() async throws {
        try compile("1.0.0")
        try compile("1.0.0", as: "q")
        try await pin(nil)
        #expect(try PluginLock([UInt8](Data(contentsOf: URL(filePath: lock)))).pins.keys.sorted() == ["p", "q"])
        try #require(unlink("\(workspace.plugins)/q.so") == 0)
        try workspace.write("no plugin", to: "bad.so")
        let outcomes = try await pin(nil)
        #expect(outcomes.map(\.name) == ["bad", "p"])
        #expect(outcomes[0].reason?.contains("not an ELF file") == true && outcomes[1].reason == nil)
        #expect(try PluginLock([UInt8](Data(contentsOf: URL(filePath: lock)))).pins.keys.sorted() == ["p"])
        await #expect(throws: SpindleError.self) { try await pin(["nothing"]) }
        // Of several named ones none is pinned if one cannot be.
        try compile("2.0.0")
        #expect(try await pin(["p", "bad"]).allSatisfy { $0.sha256 == nil })
        #expect(try await load(.pinned).status != .serving)
    }

    @Test(
        "a lock that others may write, that is a link, or that is wrong pins nothing",
        arguments: [
            "writable", "link", "lock: 2\n", "lock: 1\nplugins: {p: {}}\n", "lock: 1\nlock: 1\n", "lock: 1\nmore: 1\n", "- p\n", "",
            "\u{0}",
            "lock: 1\nplugins: {p: {id: a, version: b, sha256: XYZ}}\n",
            "lock: 1\nplugins:\n  p: {id: a, version: b, sha256: \"0\"}\n  p: {id: a, version: b, sha256: \"0\"}\n",
        ]
    )
    func badLock(_ kind: String) async throws {
        try compile("1.0.0")
        try await pin()
        #expect(try await load(.pinned).status == .serving)
        switch kind {
        case "writable": try #require(chmod(lock, 0o664) == 0)
        case "link":
            try #require(rename(lock, "\(workspace.path)/elsewhere") == 0)
            try #require(symlink("\(workspace.path)/elsewhere", lock) == 0)
        default: try workspace.write(kind, to: "plugins.lock")
        }
        let listing = try await load(.pinned)
        #expect(listing.reason?.contains("plugins.lock") == true, "\(listing.reason ?? "")")
        #expect(try await load(.directory).trust?.isPinned == false)
    }

    @Test("what the lock's writer writes, its reader reads")
    func lockText() throws {
        var lock = PluginLock()
        #expect(try PluginLock(Array(lock.text.utf8)) == lock)
        let digest = String(repeating: "0123456789abcdef", count: 4)
        lock.pins["a"] = PluginLock.Pin(id: "com.example.a", version: "1.10", sha256: digest)
        lock.pins["b.c-d"] = PluginLock.Pin(id: "x: \"\\ # \n\u{1}é", version: "~", sha256: digest)
        #expect(try PluginLock(Array(lock.text.utf8)) == lock)
    }

    /// What is wrong with a signature, and what the reason says.
    enum Wrong: CaseIterable {
        case none, stripped, otherKey, otherFile, truncated, otherNamespace, revoked, expired, noList, badRevoked, openList,
            openSignature
        case swapped

        var reason: String? {
            switch self {
            case .none: nil
            case .stripped: "it is not signed: there is no p.so.sig"
            case .otherKey: "allowed_signers does not have the key ssh-ed25519 SHA256:"
            case .otherFile, .swapped: "it is not one of these bytes"
            case .truncated: "does not count: it"
            case .otherNamespace: "it was made for \"file\""
            case .revoked: "revoked_signers revokes the key"
            case .expired: "is not valid any more by allowed_signers:1"
            case .noList: "there is no allowed_signers beside it"
            case .badRevoked: "revoked_signers:1"
            case .openList: "allowed_signers belongs to another user or can be written by others"
            case .openSignature: "p.so.sig belongs to another user or can be written by others"
            }
        }
    }

    @Test("signed: the right signature serves, each wrong one is refused with its reason", arguments: Wrong.allCases)
    func signed(_ wrong: Wrong) async throws {
        try compile("1.0.0")
        let key = try await trustKey()
        let plugin = "\(workspace.plugins)/p.so"
        let signature = try keygen.sign(plugin, with: key, namespace: wrong == .otherNamespace ? "file" : "spindle-plugin")
        switch wrong {
        case .none, .otherNamespace: break
        case .stripped: try #require(unlink("\(plugin).sig") == 0)
        case .otherKey: try keygen.sign(plugin, with: keygen.key("eve"))
        case .otherFile:
            try keygen.sign(keygen.write("other", to: "other"), with: key)
            try Data(contentsOf: URL(filePath: "\(workspace.path)/other.sig")).write(to: URL(filePath: "\(plugin).sig"))
        case .truncated: try workspace.write(String(decoding: signature.prefix(signature.count / 2), as: UTF8.self), to: "p.so.sig")
        case .revoked: try workspace.write(keygen.publicKey(key), to: "revoked_signers")
        case .expired:
            try workspace.write("ada valid-before=\"20200101Z\" \(keygen.publicKey(key))\n", to: "allowed_signers")
        case .noList: try #require(unlink("\(workspace.plugins)/allowed_signers") == 0)
        case .badRevoked: try workspace.write("garbage\n", to: "revoked_signers")
        case .openList: try #require(chmod("\(workspace.plugins)/allowed_signers", 0o666) == 0)
        case .openSignature: try #require(chmod("\(plugin).sig", 0o666) == 0)
        case .swapped: try compile("1.0.1")
        }
        let listing = try await load(.signed)
        guard let reason = wrong.reason else {
            #expect(listing.status == .serving, "\(listing.reason ?? "")")
            #expect(listing.trust?.signer == "ada@example.com" && listing.trust?.policy == .signed)
            return
        }
        #expect(listing.reason?.contains(reason) == true, "\(listing.reason ?? "\(listing.status)")")
        #expect(try await load(.directory).status == .serving, "without the policy it would serve")
    }

    @Test("signed: an old version, signed as well, is refused where a newer one is pinned")
    func signedDowngrade() async throws {
        let key = try await trustKey()
        let plugin = "\(workspace.plugins)/p.so"
        try compile("1.1.0")
        try keygen.sign(plugin, with: key)
        #expect(try await pin(["p"], .signed).first?.reason == nil)
        try compile("1.0.0")
        #expect(try await pin(["p"], isForced: true, .signed).first?.reason?.contains("it is not one of these bytes") == true)
        try keygen.sign(plugin, with: key)
        #expect(
            try await load(.signed).reason
                == "its version 1.0.0 is older than the pinned 1.1.0; \"spindle plugins pin --force\" allows it"
        )
        try compile("1.2.0")
        try keygen.sign(plugin, with: key)
        let newer = try await load(.signed)
        #expect(newer.status == .serving && newer.trust?.isPinned == false)
        try workspace.write("broken", to: "plugins.lock")
        #expect(try await load(.signed).reason?.contains("plugins.lock") == true)
    }

    @Test("inspect measures a file of the directory by its policy, and no other")
    func inspect() async throws {
        try compile("1.0.0")
        try await pin()
        let plugin = "\(workspace.plugins)/p.so"
        func inspect(_ path: String) async throws -> PluginListing {
            let host = try host(.pinned)
            let listing = try await host.inspect(file: path)
            await host.stop()
            return listing
        }
        #expect(try await inspect(plugin).trust?.isPinned == true)
        try compile("1.0.1")
        let changed = try await inspect(plugin)
        #expect(changed.manifest == nil && changed.reason?.contains("plugins.lock has") == true)
        try #require(rename(plugin, "\(workspace.path)/p.so") == 0)
        let elsewhere = try await inspect("\(workspace.path)/p.so")
        #expect(elsewhere.trust == nil && elsewhere.manifest?.version == "1.0.1")
    }

    @Test("in-process takes the operator's word twice")
    func inProcess() async throws {
        try compile("1.0.0")
        try workspace.write("isolation: in-process\n", to: "p.yaml")
        #expect(
            try await load(.directory).reason
                == "isolation: in-process makes it a part of the host; allow that with allowInProcess: true"
        )
        try workspace.write("isolation: in-process\nallowInProcess: true\n", to: "p.yaml")
        #expect(try await load(.directory).status == .serving)
    }
}
