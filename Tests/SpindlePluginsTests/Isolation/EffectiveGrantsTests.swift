import SpindleCore
import Testing

@testable import SpindlePlugins

/// What is left of a plugin's needs and an operator's grants; no process is started.
@Suite struct EffectiveGrantsTests {
    private func grants(_ needs: String) throws -> Grants {
        try Sidecar.parse(Array("needs: {\(needs)}".utf8), file: "x.yaml").needs
    }

    private func both(_ asked: [String], _ granted: String) throws -> EffectiveGrants {
        EffectiveGrants(needs: asked, grants: try grants(granted), level: .sandbox)
    }

    @Test("nothing is given that only one of them says")
    func intersection() throws {
        let all = "net: any, read: [/srv], write: [/out], exec: true, jit: true"
        let none = try both([], all)
        #expect(none.net == .none && none.read.isEmpty && none.write.isEmpty && !none.exec && !none.jit)
        let silent = try both(["net:*", "fs:read:*", "fs:write:*", "exec", "jit"], "")
        #expect(silent.net == .none && silent.read.isEmpty && silent.write.isEmpty && !silent.exec && !silent.jit)
        let given = try both(["net:*", "fs:read:*", "fs:write:*", "exec", "jit"], all)
        #expect(given.net == .any && given.read == ["/srv"] && given.write == ["/out"] && given.exec && given.jit)
    }

    @Test("of two paths the deeper one, and never one beside it")
    func paths() throws {
        #expect(try both(["fs:read:/srv/data"], "read: [/srv]").read == ["/srv/data"])
        #expect(try both(["fs:read:/srv"], "read: [/srv/data]").read == ["/srv/data"])
        #expect(try both(["fs:read:/srv/data"], "read: [/srv/dat]").read == [])
        #expect(try both(["fs:read:/srv/../root"], "read: [/srv]").read == [])
        #expect(try both(["fs:write:/srv"], "read: [/srv]").read == ["/srv"])
        #expect(try both(["fs:read:/srv"], "write: [/srv]").write == [])
    }

    @Test("of grants in one another the outer one, if it gives as much")
    func nested() throws {
        let asked = ["fs:read:*", "fs:write:*"]
        let same = try both(asked, "read: [/srv/a/b, /srv/a, /srv/ab], write: [/out/x, /out]")
        #expect(same.read == ["/srv/a", "/srv/ab"] && same.write == ["/out"] && same.nested == nil)
        let stronger = try both(asked, "read: [/srv/a, /srv], write: [/srv]")
        #expect(stronger.read == [] && stronger.write == ["/srv"] && stronger.nested == nil)
        let weaker = try both(asked, "read: [/srv], write: [/srv/out]")
        #expect(try #require(weaker.nested) == ("/srv", "/srv/out"))
    }

    @Test("hosts and ports that both name")
    func net() throws {
        let list = "net: [a.example:1, b.example:2]"
        #expect(try both(["net:*"], list).net == .list([.init(host: "a.example", port: 1), .init(host: "b.example", port: 2)]))
        #expect(try both(["net:A.example"], list).net == .list([.init(host: "a.example", port: 1)]))
        #expect(try both(["net:a.example:2"], list).net == Grants.Net.none)
        #expect(try both(["net:*.example:2"], list).net == .list([.init(host: "b.example", port: 2)]))
        #expect(try both(["net:*:1"], list).net == .list([.init(host: "a.example", port: 1)]))
        #expect(try both(["net:a.example:1"], "net: any").net == .list([.init(host: "a.example", port: 1)]))
        #expect(try both(["net:a.example"], "net: any").net == .any)
    }

    @Test("what is asked for and not given")
    func missing() throws {
        let needs = ["net:*", "exec", "fs:read:/srv", "secret:key"]
        let granted = try grants("net: any, read: [/srv]")
        #expect(EffectiveGrants.missing(needs: needs, grants: granted, level: .sandbox) == ["exec"])
        #expect(EffectiveGrants.missing(needs: needs, grants: Grants(), level: .worker) == [])
    }

    @Test("limits: defaults in a sandbox, none below")
    func limits() throws {
        #expect(try both([], "").memory == EffectiveGrants.defaultMemory)
        #expect(try both([], "memory: 64MiB").memory == 64 << 20)
        #expect(EffectiveGrants(needs: ["exec"], grants: Grants(), level: .worker) == EffectiveGrants())
    }

    @Test(
        "addresses that a name must not lead to",
        arguments: [
            "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.1.1", "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255", "168.63.129.16", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "fc00::1", "fe80::1", "ff02::1", "2001:db8::1", "fd00:ec2::254",
        ]
    )
    func forbidden(_ text: String) throws { #expect(!AddressPolicy.allows(try #require(NetAddress(text)))) }

    @Test(
        "public addresses",
        arguments: ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101", "172.32.0.1", "100.128.0.1"]
    )
    func allowed(_ text: String) throws { #expect(AddressPolicy.allows(try #require(NetAddress(text)))) }

    @Test("a name that leads into this machine is refused, its address itself is not")
    func names() throws {
        #expect(try NetResolver.relays([.init(host: "127.0.0.1", port: 80)]) == ["127.0.0.1 80 127.0.0.1"])
        let error = #expect(throws: SpindleError.self) { try NetResolver.relays([.init(host: "localhost", port: 80)]) }
        #expect(error?.message.contains("which is not a public address; grant the address itself in needs.net") == true)
        #expect(throws: SpindleError.self) { try NetResolver.relays([.init(host: "nowhere.invalid", port: 80)]) }
    }

    @Test("each plugin has a user of its own, which stays when others come")
    func users() {
        let names = (1...128).map { "plugin\($0)" }
        let users = PluginUsers.assign(names) { _ in false }
        #expect(Set(users.values).count == 128 && users.values.allSatisfy(PluginUsers.range.contains))
        let alone = PluginUsers.assign(["plugin7"]) { _ in false }
        #expect(PluginUsers.assign(["a", "plugin7"]) { _ in false }["plugin7"] == alone["plugin7"])
        let taken = alone["plugin7"]
        #expect(PluginUsers.assign(["plugin7"]) { $0 == taken }["plugin7"] != taken)
        #expect(PluginUsers.assign(["plugin7"]) { _ in true }.isEmpty)
        // One that comes while the host runs takes none away.
        let known = ["old": taken ?? 0]
        let both = PluginUsers.assign(["plugin7"], known: known) { _ in false }
        #expect(both["old"] == taken && both["plugin7"] != taken && both.count == 2)
    }
}
