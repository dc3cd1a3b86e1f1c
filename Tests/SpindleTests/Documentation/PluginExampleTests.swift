import FoundationEssentials
import SpindleServer
import Testing

/// The first plugin of the pages: compiled, loaded and run by the real program.
@Suite("C examples of the documentation", .timeLimit(.minutes(5)))
struct PluginExampleTests {
    /// The plugin in the comment of the ABI's header.
    private static func headerExample() throws -> String {
        let lines = try Repository.text("PluginSDK/c/include/spindle/executor.h")
            .split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0.contains("A whole plugin:") })
        let end = try #require(lines[start...].firstIndex { $0 == " */" })
        return lines[(start + 2)..<end].map { $0 == " *" ? "\n" : "\($0.dropFirst(" *     ".count))\n" }.joined()
    }

    @Test("README, guide and header show the same plugin, in twenty lines")
    func same() throws {
        let readme = try Example.named("greet.c", in: "README.md").text
        #expect(try Example.named("greet.c", in: "Docs/plugin-abi.md").text == readme)
        #expect(try Self.headerExample() == readme)
        #expect(readme.split(separator: "\n", omittingEmptySubsequences: false).count - 1 <= 20)
    }

    @Test("each compiles without a warning, as C11 and as C99 -pedantic", arguments: Example.all(of: "c"))
    func compiles(_ example: Example) async throws {
        let room = try ExampleRoom()
        try await room.compile(example.text, as: "example")
        try await room.compile(example.text, as: "example", flags: ["-std=c99", "-pedantic"])
    }

    @Test("each loads and serves; the first one greets and refuses what it says", arguments: Example.all(of: "c"))
    func runs(_ example: Example) async throws {
        let room = try ExampleRoom()
        try await room.compile(example.text, as: "example")
        #expect(try await room.run("plugins", "add", "example.so").status == 0)
        let list = try await room.run("plugins", "list")
        #expect(list.output.contains("serving"), "\(list.output)")
        guard example.name == "greet.c" else { return }
        let greeted = try await room.run("run", "--type", "greet", "-p", "name=Ada")
        #expect(greeted.status == 0, "\(greeted.errors)")
        #expect(greeted.output == "Hello, Ada!\n")
        let refused = try await room.run("run", "--type", "greet", "-p", "name=")
        #expect(refused.status == 1)
        #expect(refused.errors.contains("greet.name"))
    }

    @Test("a crash is found as the guide says: its frames name function and line")
    func crash() async throws {
        let room = try ExampleRoom()
        try await BadPlugins.compile("boom", in: room, ["EXECUTE": "crash"], flags: ["-g"])
        let host = try await room.serve()
        let ran = try await room.run("submit", "--type", "boom", "--retries", "0", "--wait", "--json")
        #expect(ran.status == 1, "\(ran.errors)")
        let id = try JSONDecoder().decode(ExecutionBody.self, from: Data(ran.output.utf8)).id
        let shown = try await room.run("executions", "show", id, "--json")
        host.send(15)
        #expect(await host.outcome.status == 0)
        let frames = shown.output.matches(of: /plugin\+(0x[0-9a-f]+)/).map { String($0.output.1) }
        try #require(!frames.isEmpty, "\(shown.output)")
        let named = try await room.start(["-Cfe", "boom.so"] + frames, program: "addr2line").outcome
        #expect(named.output.contains("crash\n") && named.output.contains("boom.c:"), "\(named.output)\(named.errors)")
    }

    @Test("a plugin with the undefined-behaviour sanitizer runs as it is, as the guide says")
    func sanitized() async throws {
        let room = try ExampleRoom()
        let source = try Example.named("greet.c", in: "README.md").text
        try await room.compile(source, as: "greet", flags: ["-fsanitize=undefined"])
        #expect(try await room.run("plugins", "add", "greet.so").status == 0)
        let greeted = try await room.run("run", "--type", "greet", "-p", "name=Ada")
        #expect(greeted.output == "Hello, Ada!\n", "\(greeted.errors)")
    }
}
