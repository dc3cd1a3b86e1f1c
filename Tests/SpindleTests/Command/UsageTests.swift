import SpindleCore
import SpindleServer
import Testing

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Command lines that are odd, and what is said about them: nothing is stored, nothing is silently ignored.
@Suite("odd command lines", .serialized, .timeLimit(.minutes(3)))
struct UsageTests {
    @Test("values may begin with a dash")
    func dashes() async throws {
        let sandbox = try Sandbox()
        try await sandbox.addScriptPlugin()
        let negative = try await sandbox.run(
            "submit",
            "--type",
            "script",
            "/bin/echo",
            "--priority",
            "-5",
            "-p",
            "Arg0=-n",
            "--payload",
            "-x",
            "--json"
        )
        #expect(negative.status == 0, "\(negative.errors)")
        let id = try JSONDecoder().decode(ReceiptBody.self, from: Data(negative.output.utf8)).id
        let shown = try await sandbox.run("executions", "show", id)
        #expect(shown.output.contains("priority    -5"), "\(shown.output)")
        for option in ["--retries", "--delay", "--timeout", "--retry-delay"] {
            let end = try await sandbox.run("submit", "--type", "script", "/bin/echo", option, "-1")
            #expect(end.status == 2)
            #expect(end.errors.contains("\(option) -1:"), "\(end.errors)")
        }
    }

    @Test(
        "what cannot be meant is refused with status 2",
        arguments: [
            (["--content-type", "text/plain"], "--payload"), (["--concurrency-limit", "2"], "--concurrency-key"),
            (["--target", "/bin/true"], "given twice"), (["--delay", "1s", "--at", "2030-01-01T00:00:00Z"], "--delay or --at"),
            (["--start-by", "2020-01-01T00:00:00Z"], "has passed"), (["--unique", ""], "empty"),
            (["--after", "12345678:never"], "--after 12345678:never"), (["-p", "novalue"], "NAME=VALUE"),
            (["-p", "a=1", "-p", "a=2"], "given twice"), (["--payload", "@/"], "cannot be read"),
        ]
    )
    func contradictions(options: [String], expected: String) async throws {
        let sandbox = try Sandbox()
        try await sandbox.addScriptPlugin()
        let arguments = ["submit", "--type", "script", "/bin/echo"] + options
        let end = try await Command(arguments, environment: sandbox.environment, directory: sandbox.path).outcome
        #expect(end.status == 2, "\(end.errors)")
        #expect(end.errors.contains(expected), "\(end.errors)")
        // Nothing was stored: where the command came so far, the store is empty, else there is none.
        let list = try await sandbox.run("executions", "list", "--json")
        #expect(list.status == 3 || list.output.contains("[\n\n  ]"), "\(list.output)")
    }

    @Test("bytes that are no text are refused rather than changed")
    func notText() async throws {
        let sandbox = try Sandbox()
        let script = "exec '\(Command.products)/spindle' submit --type script -p \"Arg0=$(printf '\\377')\""
        let end = try await sandbox.shell(script)
        #expect(end.status == 2, "\(end.errors)")
        #expect(end.errors.contains("argument 5 is not UTF-8"), "\(end.errors)")
    }

    @Test("every command that takes --json prints JSON")
    func json() async throws {
        let sandbox = try Sandbox()
        try await sandbox.addScriptPlugin()
        let library = "\(Command.products)/libspindle-plugin-script.so"
        for arguments in [
            ["jobs", "add", "j", "--type", "script", "--target", "/bin/true"], ["jobs", "list"], ["jobs", "show", "j"],
            ["jobs", "run", "j"], ["executions", "list"], ["jobs", "remove", "j"], ["plugins", "list"],
            ["plugins", "inspect", library], ["plugins", "add", library, "--as", "again"], ["config", "show"],
        ] {
            let end = try await Command(arguments + ["--json"], environment: sandbox.environment, directory: sandbox.path).outcome
            #expect(end.status == 0, "\(arguments): \(end.errors)")
            #expect(throws: Never.self, "\(arguments): \(end.output)") {
                try JSONDecoder().decode(JSONValue.self, from: Data(end.output.utf8))
            }
        }
        #expect(try await sandbox.run("serve", "--json").status == 2)
    }

    @Test("jobs, plugins and places are shown to people as lines")
    func people() async throws {
        let sandbox = try Sandbox()
        let library = "\(Command.products)/libspindle-plugin-script.so"
        let inspected = try await sandbox.run("plugins", "inspect", library)
        #expect(inspected.status == 0, "\(inspected.errors)")
        #expect(inspected.output.contains("\nexecutor script\n"))
        #expect(inspected.output.contains("  needs          exec"), "\(inspected.output)")
        _ = try await sandbox.run("jobs", "add", "nightly", "--target", "/bin/true", "--type", "script", "-p", "a=b")
        let job = try await sandbox.run("jobs", "show", "nightly")
        #expect(job.output.contains("target  /bin/true\n") && job.output.contains("a       = b\n"), "\(job.output)")
        let places = try await sandbox.run("config", "show")
        #expect(places.output.contains("sqlite:\(sandbox.path)/state/spindle.db "), "\(places.output)")
        let missing = try await sandbox.run("plugins", "inspect", "\(sandbox.path)/none.so")
        #expect(missing.status == 4)
    }

    @Test("completions can be made for three shells", arguments: ["bash", "zsh", "fish"])
    func completions(shell: String) async throws {
        let end = try await Sandbox().run("--generate-completion-script", shell)
        #expect(end.status == 0)
        #expect(end.output.contains("exponential"))
    }
}
