import FoundationEssentials
import SpindleCore
import Testing

/// What `--json` prints has the shape that `Docs/cli.md` names, in the schemas of `Docs/openapi.json`.
@Suite("JSON of the commands", .timeLimit(.minutes(5)))
struct JSONShapeTests {
    /// A command of the table, and how to have it print.
    private static let commands: [String: [String]] = [
        "spindle run": ["run", "--type", "script", "echo", "-p", "Arg0=hi"],
        "spindle submit": ["submit", "--type", "script", "echo", "-p", "Arg0=hi"],
        "spindle submit --wait": ["submit", "--type", "script", "echo", "-p", "Arg0=hi", "--wait"],
        "spindle executions list": ["executions", "list", "--limit", "1"],
        "spindle executions show": ["executions", "show", "ENDED"],
        "spindle executions logs": ["executions", "logs", "ENDED"],
        "spindle executions cancel": ["executions", "cancel", "LATER"],
        "spindle executions retry": ["executions", "retry", "FAILED"],
        "spindle jobs add": ["jobs", "add", "greet", "--type", "script", "echo"],
        "spindle jobs list": ["jobs", "list"],
        "spindle jobs show": ["jobs", "show", "greet"],
        "spindle jobs run": ["jobs", "run", "greet"],
        "spindle plugins list": ["plugins", "list"],
        "spindle plugins inspect": ["plugins", "inspect", "\(Command.products)/libspindle-plugin-script.so"],
        "spindle plugins check": ["plugins", "check", "\(Command.products)/libspindle-plugin-script.so"],
        "spindle plugins add": ["plugins", "add", "\(Command.products)/libspindle-plugin-script.so", "--as", "again"],
        "spindle plugins reload": ["plugins", "reload"],
        "spindle plugins disable": ["plugins", "disable", "script"],
        "spindle plugins enable": ["plugins", "enable", "script"],
        "spindle plugins pin": ["plugins", "pin", "script"],
        "spindle plugins sign": ["plugins", "sign", "file", "--key", "key"],
        "spindle plugins trust": ["plugins", "trust", "key.pub", "--principal", "ada"],
        "spindle plugins verify": ["plugins", "verify", "file", "--signers", "signers"],
        "spindle config show": ["config", "show"],
        "spindle doctor": ["doctor"],
    ]

    @Test("every command of the table prints what it says")
    func shapes() async throws {
        let sandbox = try Sandbox()
        try await sandbox.addScriptPlugin()
        let host = try await sandbox.serve()
        try await Self.makeKey(sandbox)
        var ids: [String: String] = [:]
        for (name, arguments) in [
            ("ENDED", ["submit", "--type", "script", "echo", "-p", "Arg0=hi", "--wait", "--json"]),
            ("FAILED", ["submit", "--type", "script", "false", "--retries", "0", "--wait", "--json"]),
            ("LATER", ["submit", "--type", "script", "echo", "--delay", "1h", "--json"]),
        ] {
            let done = try await Command(arguments, environment: sandbox.environment, directory: sandbox.path).outcome
            ids[name] = try #require(Self.decoded(done.output)["id"]?.text, "\(done.errors)")
        }
        let rows = try Page.named("Docs/cli.md").table(below: "## JSON")
        var seen: Set<String> = []
        for row in rows {
            let title = try #require(row[0].code)
            seen.insert(title)
            let arguments = try #require(Self.commands[title], "\(title) is not tried").map { ids[$0] ?? $0 }
            let done = try await Command(arguments + ["--json"], environment: sandbox.environment, directory: sandbox.path).outcome
            // The doctor's status is what it found.
            #expect(done.status == 0 || title == "spindle doctor", "\(title): \(done.errors)")
            let shape = try #require(row[1].code)
            // One object a line, where the page says so.
            let texts = row[1].contains("line") ? done.output.split(separator: "\n").map(String.init) : [done.output]
            #expect(!texts.isEmpty)
            for text in texts { try Self.check(Self.decoded(text), shape, title) }
        }
        #expect(seen == Set(Self.commands.keys))
        host.send(15)
        #expect(await host.outcome.status == 0)
    }

    /// A file to sign, a key to sign it with, and a list that has the key.
    private static func makeKey(_ sandbox: Sandbox) async throws {
        try Data("bytes".utf8).write(to: URL(filePath: "\(sandbox.path)/file"))
        let words = ["-q", "-t", "ed25519", "-N", "", "-f", "key"]
        let made = try await Command(words, program: "ssh-keygen", environment: sandbox.environment, directory: sandbox.path)
            .outcome
        #expect(made.status == 0, "\(made.errors)")
        let key = try Data(contentsOf: URL(filePath: "\(sandbox.path)/key.pub"))
        try (Data("ada ".utf8) + key).write(to: URL(filePath: "\(sandbox.path)/signers"))
    }

    private static func decoded(_ text: String) throws -> JSONValue {
        try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
    }

    /// Compares a value with a shape: `Schema`, `[Schema]`, or `{...Schema, name: Schema, name?: Schema}`.
    private static func check(_ value: JSONValue, _ shape: String, _ place: String) throws {
        if shape.hasPrefix("[") {
            guard case .array(let elements) = value else {
                Issue.record("\(place): no list")
                return
            }
            // No bundled plugin makes files.
            #expect(!elements.isEmpty || place.hasSuffix(" artefacts"), "\(place): nothing to compare")
            for element in elements { try check(element, String(shape.dropFirst().dropLast()), place) }
        } else if shape.hasPrefix("{") {
            var properties: [String: String] = [:]
            var required: Set<String> = []
            for entry in shape.dropFirst().dropLast().split(separator: ", ") {
                if entry.hasPrefix("...") {
                    let (allowed, needed) = try schema(String(entry.dropFirst(3)), place)
                    for name in allowed { properties[name] = "any" }
                    required.formUnion(needed)
                    continue
                }
                let parts = entry.split(separator: ": ", maxSplits: 1)
                let name = parts[0].hasSuffix("?") ? String(parts[0].dropLast()) : String(parts[0])
                if !parts[0].hasSuffix("?") { required.insert(name) }
                properties[name] = parts.count == 2 ? String(parts[1]) : "text"
            }
            let names = Set(value.members.keys)
            #expect(required.isSubset(of: names) && names.isSubset(of: properties.keys), "\(place): \(names.sorted())")
            for (name, member) in value.members { try check(member, properties[name] ?? "text", "\(place) \(name)") }
        } else if shape == "text" {
            #expect(value.text != nil, "\(place): no text")
        } else if shape != "any" {
            let names = Set(value.members.keys)
            let (allowed, required) = try schema(shape, place)
            #expect(names.isSubset(of: allowed), "\(place): \(names.subtracting(allowed).sorted()) are not in \(shape)")
            #expect(required.isSubset(of: names), "\(place): \(required.subtracting(names).sorted()) are missing")
        }
    }

    /// The properties of a schema, and those that it requires.
    private static func schema(_ name: String, _ place: String) throws -> (allowed: Set<String>, required: Set<String>) {
        let document = try decoded(Repository.text("Docs/openapi.json"))
        let schema = try #require(document["components"]?["schemas"]?[name], "\(place): no schema \(name)")
        var required: Set<String> = []
        if case .array(let list)? = schema["required"] { required = Set(list.compactMap(\.text)) }
        return (Set((schema["properties"]?.members ?? [:]).keys), required)
    }
}

extension JSONValue {
    fileprivate subscript(_ name: String) -> JSONValue? { members[name] }
    fileprivate var members: [String: JSONValue] {
        if case .object(let members) = self { members } else { [:] }
    }
    fileprivate var text: String? {
        if case .string(let text) = self { text } else { nil }
    }
}
