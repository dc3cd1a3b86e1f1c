import FoundationEssentials
import Glibc
import SpindleServer
import Testing

/// Every reason for which `spindle plugins list` refuses a file, as `Docs/plugins.md` lists it.
@Suite("Refusals of plugins", .timeLimit(.minutes(10)))
struct RefusalTableTests {
    private static let heading = "### Why a file is not used"

    /// A reason without what differs from file to file: numbers, machines, descriptors, places.
    private static func plain(_ reason: String, _ room: ExampleRoom?) -> String {
        var text = reason
        if let room { text = text.replacing(room.path, with: "/home/ada") }
        text = text.replacing("x86-64", with: "MACHINE").replacing("AArch64", with: "MACHINE")
        return text.replacing(/[0-9]+/, with: "N")
    }

    private func list(_ room: ExampleRoom, _ flags: String...) async throws -> [PluginSummary] {
        let listed = try await room.start(["plugins", "list", "--json"] + flags).outcome
        try #require(listed.status == 0, "\(listed.errors)")
        return try JSONDecoder().decode(PluginListBody.self, from: Data(listed.output.utf8)).plugins
    }

    @Test("each bad file is listed with a reason of the table, each reason of the table is real, and the good one serves")
    func table() async throws {
        let room = try ExampleRoom()
        try await room.addPlugin("greet")
        let bad = BadPlugins(room: room)
        try await bad.compile("good")
        try await bad.makeAll()
        // A slow machine must not turn a verdict into "did not end".
        let plugins = try await list(room, "--set", "plugins.probeTimeout=5m")
        var reasons: Set<String> = []
        for plugin in plugins where !["good", "greet"].contains(plugin.name) {
            #expect(plugin.state != "serving", "\(plugin.name) serves")
            reasons.insert(Self.plain(plugin.reason ?? "", room))
        }
        #expect(plugins.filter { $0.state == "serving" }.map(\.name) == ["good", "greet"])
        reasons.insert(Self.plain(try await hanging(), nil))
        let rows = try Page.named("Docs/plugins.md").table(below: Self.heading)
        let documented = Set(rows.map { Self.plain($0[0].code ?? "", nil) })
        for reason in reasons.subtracting(documented).sorted() { Issue.record("not in the table: \(reason)") }
        for reason in documented.subtracting(reasons).sorted() { Issue.record("in the table, but no file gives it: \(reason)") }
        #expect(rows.allSatisfy { !$0[1].isEmpty && !$0[2].isEmpty }, "each says what it means and what to do")
    }

    /// What is said of a plugin whose constructor never ends; alone, so that a short limit meets nobody else.
    private func hanging() async throws -> String {
        let room = try ExampleRoom()
        try await room.addPlugin("greet")
        try #require(unlink("\(room.plugins)/greet.so") == 0)
        try await BadPlugins(room: room).compile("hang", ["BEGIN": "for (;;) sleep(1)"])
        let plugins = try await list(room, "--set", "plugins.probeTimeout=1s")
        return plugins.first?.reason ?? ""
    }

    @Test("a directory that others can write is not used at all, and the page says so")
    func directory() async throws {
        let room = try ExampleRoom()
        try await room.addPlugin("greet")
        try #require(chmod(room.plugins, 0o777) == 0)
        let listed = try await room.run("plugins", "list")
        #expect(listed.status == 2)
        let said = listed.errors.replacing(room.path, with: "/home/ada")
        #expect(try Repository.text("Docs/plugins.md").contains(said), "\(said)")
    }

    @Test("every state of a listing is explained")
    func states() async throws {
        let rows = try Page.named("Docs/plugins.md").table(below: "## What the list says").map { $0[0].code ?? "" }
        #expect(rows == ["serving", "disabled", "conflict", "refused", "quarantined", "restart needed"])
    }
}
