import FoundationEssentials
import Glibc
import Testing

/// Secrets with the real program: from systemd's credentials, and from a directory of one's own.
@Suite("Credentials", .timeLimit(.minutes(3)))
struct CredentialTests {
    @Test("what systemd gives is a directory of secrets, and the configuration's own comes before it")
    func credentials() async throws {
        let sandbox = try Sandbox()
        try await sandbox.addScriptPlugin()
        try Self.write("secrets: [token]\n", to: "\(sandbox.path)/state/plugins/script.yaml", mode: 0o644)
        for (name, value) in [("given", "from-systemd"), ("own", "of-one's-own-directory")] {
            try #require(mkdir("\(sandbox.path)/\(name)", 0o700) == 0)
            try Self.write(value, to: "\(sandbox.path)/\(name)/token", mode: 0o400)
        }
        let words = [
            "run", "--type", "script", "-p", "Shell=sh", "-p", "Script=wc -c <$SPINDLE_SECRET_token_FILE", "-p",
            "token=secret://token",
        ]
        func run(_ more: [String] = [], _ variables: [String: String]) async throws -> Command.Outcome {
            let environment = sandbox.environment.merging(variables) { $1 }
            return try await Command(words + more, environment: environment, directory: sandbox.path).outcome
        }
        let given = ["CREDENTIALS_DIRECTORY": "\(sandbox.path)/given"]
        #expect(try await run([], given).output == "12\n")
        #expect(try await run(["--set", "secrets.directory=\(sandbox.path)/own"], given).output == "22\n")
        let none = try await run([], [:])
        #expect(none.status == 1 && none.errors.contains("secrets.directory"), "\(none)")
    }

    private static func write(_ text: String, to path: String, mode: mode_t) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
        try #require(chmod(path, mode) == 0)
    }
}
