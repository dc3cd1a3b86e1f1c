import FoundationEssentials
import Glibc
import Testing

/// The completion scripts that `Docs/cli.md` tells how to install.
@Suite("Shell completions", .timeLimit(.minutes(3)))
struct CompletionTests {
    @Test("each shell of the page has a script that names the commands", arguments: ["bash", "zsh", "fish"])
    func generated(shell: String) async throws {
        let sandbox = try Sandbox()
        let script = try await sandbox.run("--generate-completion-script", shell)
        #expect(script.status == 0, "\(script.errors)")
        for word in ["executions", "plugins", "submit", "concurrency-limit"] { #expect(script.output.contains(word)) }
        let shown = try Page.named("Docs/cli.md").lines.contains { $0.contains("--generate-completion-script \(shell)") }
        #expect(shown, "Docs/cli.md does not say how to install it")
    }

    @Test("bash takes its script, and completes commands and flags with it")
    func bash() async throws {
        let room = try ExampleRoom()
        let script = try await room.run("--generate-completion-script", "bash")
        try room.write(script.output, to: "completion.bash")
        let checked = try await room.run("-n", "completion.bash", program: "/bin/bash")
        #expect(checked.status == 0, "\(checked.errors)")
        for (words, wanted) in [(["exec"], "executions"), (["plugins", "in"], "inspect"), (["submit", "--prio"], "--priority")] {
            #expect(try await Self.completions(words, room).contains(wanted), "\(words)")
        }
    }

    /// What bash offers for `spindle WORDS`.
    private static func completions(_ words: [String], _ room: ExampleRoom) async throws -> [String] {
        let line = (["spindle"] + words).joined(separator: " ")
        let offered = try await room.run(
            "-c",
            """
            set +e
            source completion.bash
            COMP_WORDS=(\(line))
            COMP_CWORD=\(words.count)
            COMP_LINE='\(line)'
            COMP_POINT=\(line.utf8.count)
            complete -p spindle | sed 's/.*-F \\([^ ]*\\).*/\\1/' >function
            "$(cat function)" spindle '\(words[words.count - 1])' '\(words.count > 1 ? words[words.count - 2] : "spindle")'
            printf '%s\\n' "${COMPREPLY[@]}"
            """,
            program: "/bin/bash"
        )
        return offered.output.split(separator: "\n").map { line in String(line.prefix { $0 != " " }) }
    }
}
