import FoundationEssentials
import Testing

/// The unit file of the documentation is one that systemd takes, and as closed as the page says.
@Suite("Docs/spindle.service", .timeLimit(.minutes(5)))
struct UnitFileTests {
    /// The unit in a directory of its own, with programs and users that are here.
    private static func unit(_ sandbox: Sandbox) throws -> String {
        let text = try Repository.text("Docs/spindle.service")
            .replacing("/usr/local/bin/spindle", with: "\(Command.products)/spindle")
            .replacing("User=spindle", with: "User=root")
        let path = "\(sandbox.path)/spindle.service"
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    private static func analyze(_ sandbox: Sandbox, _ arguments: String...) async throws -> Command.Outcome {
        let environment = sandbox.environment.merging(["SYSTEMD_PAGER": "", "NO_COLOR": "1"]) { $1 }
        return try await Command(arguments, program: "systemd-analyze", environment: environment, directory: sandbox.path).outcome
    }

    @Test("is taken without a word")
    func verify() async throws {
        let sandbox = try Sandbox()
        let outcome = try await Self.analyze(sandbox, "verify", Self.unit(sandbox))
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
        // The test can tell.
        let path = "\(sandbox.path)/spindle.service"
        let broken = try String(decoding: Data(contentsOf: URL(filePath: path)), as: UTF8.self)
            .replacing("KillMode=mixed", with: "KillMode=sometimes")
        try Data(broken.utf8).write(to: URL(filePath: path))
        #expect(try await Self.analyze(sandbox, "verify", path).errors.contains("kill mode"))
    }

    @Test("is as closed as the page says")
    func exposure() async throws {
        let sandbox = try Sandbox()
        let user = try Repository.text("Docs/spindle.service").replacing("User=spindle", with: "User=nobody")
        let path = "\(sandbox.path)/spindle.service"
        try Data(user.utf8).write(to: URL(filePath: path))
        let outcome = try await Self.analyze(sandbox, "security", "--offline=true", "--no-pager", path)
        let level = try #require(outcome.output.firstMatch(of: /level for spindle\.service: ([0-9.]+)/)?.output.1)
        let page = try Page.named("Docs/security.md").lines.joined(separator: " ")
        #expect(page.contains("gives the unit \(level) (0 is best)"), "systemd-analyze says \(level)")
    }
}
