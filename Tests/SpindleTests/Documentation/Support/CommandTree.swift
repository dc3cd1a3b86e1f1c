import FoundationEssentials
import Testing

/// The commands of `spindle` as its own argument parser describes them: `spindle --experimental-dump-help`.
struct CommandTree: Decodable, Sendable {
    struct Argument: Decodable, Sendable {
        struct Name: Decodable, Sendable {
            let kind: String
            let name: String

            /// As people type it.
            var text: String { kind == "long" ? "--\(name)" : "-\(name)" }
        }

        let kind: String
        let names: [Name]?
        let valueName: String?
        let abstract: String?
        let defaultValue: String?
        let isOptional: Bool
        let isRepeating: Bool
        let shouldDisplay: Bool

        /// As the reference and messages call it: `-p, --parameter <parameter>`, `<target>`.
        var title: String {
            let value = "<\(valueName ?? "value")>"
            guard kind != "positional" else { return value }
            let sorted = (names ?? []).sorted { $0.text.count < $1.text.count }.map(\.text).joined(separator: ", ")
            return kind == "option" ? "\(sorted) \(value)" : sorted
        }
    }

    struct Command: Decodable, Sendable {
        let commandName: String
        let abstract: String?
        let discussion: String?
        let arguments: [Argument]?
        let subcommands: [Command]?

        var isGroup: Bool { subcommands?.isEmpty == false }
    }

    let command: Command

    /// What the real program says.
    static func load() async throws -> CommandTree {
        let sandbox = try Sandbox()
        let dump = try await sandbox.run("--experimental-dump-help")
        try #require(dump.status == 0, "\(dump.errors)")
        return try JSONDecoder().decode(CommandTree.self, from: Data(dump.output.utf8))
    }

    /// Every command below `spindle` but `help`, with its path.
    var commands: [(path: [String], command: Command)] {
        func below(_ path: [String], _ command: Command) -> [(path: [String], command: Command)] {
            (command.subcommands ?? []).filter { $0.commandName != "help" }.flatMap { child in
                [(path + [child.commandName], child)] + below(path + [child.commandName], child)
            }
        }
        return below([], command)
    }
}
