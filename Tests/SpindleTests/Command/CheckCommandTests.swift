import FoundationEssentials
import Testing

/// `spindle plugins check`, as authors run it.
@Suite("Command plugins check", .timeLimit(.minutes(5)))
struct CheckCommandTests {
    /// The plugins of this build.
    static let bundled: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: Command.products)) ?? []
        return names.filter { $0.hasPrefix("libspindle-plugin-") && $0.hasSuffix(".so") }.sorted()
    }()

    private struct Found: Decodable {
        let check: String
        let verdict: String
        let message: String
        let advice: String?
    }

    @Test("the plugins that come with Spindle break no rule", arguments: bundled)
    func bundledPlugin(name: String) async throws {
        let sandbox = try Sandbox()
        let outcome = try await Command(
            ["plugins", "check", "\(Command.products)/\(name)", "--json"],
            environment: sandbox.environment,
            directory: sandbox.path
        ).outcome
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        let found = try JSONDecoder().decode([Found].self, from: Data(outcome.output.utf8))
        // It measures, and does what it is told: its warnings are meant.
        if name.contains("bench") { return }
        // What it needs of the machine, and a configuration, are the operator's.
        let notOurs = ["check ", "configuration"]
        for item in found where item.verdict != "ok" && !notOurs.contains(where: { item.check.hasPrefix($0) }) {
            Issue.record("\(name): \(item.check): \(item.message)")
        }
    }

    @Test("they are there")
    func areThere() {
        for name in ["http", "script"] { #expect(Self.bundled.contains("libspindle-plugin-\(name).so")) }
    }

    @Test("what fails is told in a table, with the exit status 1; a file that is not there has 4")
    func failures() async throws {
        let sandbox = try Sandbox()
        let file = "\(sandbox.path)/text.so"
        try Data("no library".utf8).write(to: URL(filePath: file))
        let check = try await Command(["plugins", "check", file], environment: sandbox.environment, directory: sandbox.path).outcome
        #expect(check.status == 1, "\(check.errors)")
        #expect(check.output.contains("it is not an ELF file") && check.output.contains("WHAT TO DO"), "\(check.output)")
        let missing = try await Command(
            ["plugins", "check", "\(sandbox.path)/missing.so"],
            environment: sandbox.environment,
            directory: sandbox.path
        ).outcome
        #expect(missing.status == 4 && missing.errors.contains("There is no file"), "\(missing.errors)")
    }
}
