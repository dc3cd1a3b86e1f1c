import FoundationEssentials
import Glibc
import SpindleServer
import Testing

/// Configuration and sidecars on the pages, read by the real program.
@Suite("YAML and JSON examples of the documentation", .timeLimit(.minutes(5)))
struct ConfigurationExampleTests {
    private static let page = "Docs/configuration.md"
    /// The plugin that the sidecars of a page belong to.
    private static let plugins =
        Dictionary(
            uniqueKeysWithValues: ["grpc", "http", "native", "rabbitmq", "script", "sql"].map { ("Docs/executors/\($0).md", $0) }
        )
        .merging(["Docs/plugins.md": "greet"]) { $1 }

    @Test(
        "a configuration is accepted, every value of it; a wrong one is refused with the words of the page",
        arguments: Example.all(of: "yaml", "json").filter { $0.page == page }
    )
    func configuration(_ example: Example) async throws {
        let room = try ExampleRoom()
        let file = example.language == "json" ? "appsettings.json" : "spindle.yaml"
        try room.write(example.text, to: file)
        let shown = try await room.run("config", "show", "--config", file)
        if let expected = example.output {
            #expect(shown.status == 2)
            #expect(shown.output.isEmpty)
            #expect(shown.errors == expected)
            return
        }
        #expect(shown.status == 0, "\(shown.errors)")
        // Each line with a value has set something: it is named as the origin of a key.
        for (index, line) in example.text.split(separator: "\n").enumerated() where !line.hasSuffix(":") {
            let isValue = line.contains(": ") && !line.contains("{") && !line.contains("}")
            let table = shown.output.split(separator: "\n")
            // A table of limits is one value, named by its first line.
            let isPart = line.hasPrefix("    ") && example.language == "yaml"
            #expect(!isValue || isPart || table.contains { $0.hasSuffix("\(file):\(index + 1)") }, "\(line) set nothing")
        }
        // What is ignored in an original's file is told, and only that.
        #expect(shown.errors.isEmpty == (example.language == "yaml"), "\(shown.errors)")
    }

    @Test("a sidecar is accepted", arguments: Example.all(of: "yaml").filter { $0.page != page })
    func sidecar(_ example: Example) async throws {
        let plugin = try #require(Self.plugins[example.page], "no plugin is known for the sidecars of \(example.page)")
        let room = try ExampleRoom()
        try await room.addPlugin(plugin)
        let file = "\(room.plugins)/\(plugin).yaml"
        try Data(example.text.utf8).write(to: URL(filePath: file))
        try #require(chmod(file, 0o644) == 0)
        let listed = try await room.run("plugins", "list", "--json")
        let list = try JSONDecoder().decode(PluginListBody.self, from: Data(listed.output.utf8))
        let summary = try #require(list.plugins.first)
        let expected = example.output.map { $0.split(separator: "\n").map(String.init) }
        if let expected {
            #expect([summary.reason] == expected)
        } else {
            // What it asks for may be more than this machine has; then the doctor must say so too.
            let lacks = summary.reason?.hasSuffix("see spindle doctor") == true
            let doctor = try await room.run("doctor", "--json").output
            #expect(lacks ? doctor.contains("\"available\" : false") : summary.state == "serving", "\(summary.reason ?? "")")
        }
    }

    @Test("a submission is accepted by a host", arguments: Example.all(of: "json").filter { $0.page != page })
    func submission(_ example: Example) async throws {
        let room = try ExampleRoom()
        for plugin in ["http", "script"] { try await room.addPlugin(plugin) }
        let server = try ExampleServer { _, _ in .init(body: "ok\n") }
        defer { server.stop() }
        let host = try await room.serve()
        let text = example.text.replacing(/https:\/\/[a-z.]*example\.(org|com)/, with: server.url)
        // Strict, as the host reads it.
        _ = try JSONDecoder().decode(SubmissionBody.self, from: Data(text.utf8))
        try room.write(text, to: "body.json")
        let socket = ".local/state/spindle/spindle.db.sock"
        let sent = try await room.shell(
            "curl -sS --fail-with-body --unix-socket \(socket) --json @body.json http://localhost/v1/executions"
        )
        host.send(SIGTERM)
        #expect(await host.outcome.status == 0)
        #expect(sent.status == 0, "\(sent.output)")
        let receipt = try JSONDecoder().decode(ReceiptBody.self, from: Data(sent.output.utf8))
        #expect(receipt.created)
    }
}
