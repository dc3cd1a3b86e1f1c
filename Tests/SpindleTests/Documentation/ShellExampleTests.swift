import Spindle
import Testing

/// Shell on the pages is run with the real program, a real host and a real HTTP server; what it prints is what the page says.
@Suite("Shell examples of the documentation", .timeLimit(.minutes(5)))
struct ShellExampleTests {
    /// What an example needs.
    private struct Need {
        var plugins = ["http", "script"]
        /// A host runs before the first line.
        var host = true
        /// Files by name: other examples, of the same page if it has them.
        var files: [String: String] = [:]
        /// Why it is only read, not run.
        var onlyRead: String?
    }

    private static let needs: [String: Need] = [
        "quickstart": Need(onlyRead: "Tests/quickstart runs it"),
        "set-up": Need(onlyRead: "these are the tests"),
        "build": Need(onlyRead: "the tests are built already"),
        "install-completion": Need(onlyRead: "CompletionTests generates each of them"),
        "greet": Need(plugins: [], host: false, files: ["greet.c": "greet.c"]),
        "count": Need(plugins: [], host: false, files: ["count.c": "count.c"]),
        "greet-cflags": Need(plugins: [], host: false, files: ["greet.c": "greet.c"]),
        "add": Need(plugins: [], host: false, files: ["greet.c": "greet.c"]),
        "check": Need(plugins: [], host: false, files: ["greet.c": "greet.c"]),
        "pin": Need(plugins: [], host: false, files: ["greet.c": "greet.c"]),
        "sign": Need(plugins: [], host: false, files: ["greet.c": "greet.c"]),
        "show": Need(host: false, files: ["spindle.yaml": "file"]),
        "wrong-variable": Need(host: false),
        "serve": Need(host: false),
    ]

    private static func need(of example: Example) -> Need {
        if example.page == "Docs/executors/grpc.md" { return Need(onlyRead: "Tests/grpc runs it") }
        if example.page == "Docs/executors/http.md", example.name.hasPrefix("recipe-") {
            return Need(onlyRead: "Tests/http/run.sh runs it, against servers that want what it shows")
        }
        if example.page == "Docs/performance.md" { return Need(onlyRead: "it measures for minutes") }
        if example.page == "Docs/executors/native.md" { return Need(onlyRead: "Tests/native runs it") }
        if example.page == "Docs/executors/rabbitmq.md" { return Need(onlyRead: "Tests/rabbitmq runs it against a broker") }
        if example.page == "Docs/executors/sql.md" { return Need(onlyRead: "Tests/sql runs it") }
        return needs[example.name] ?? Need()
    }

    /// The hosts that pages may name: the server of the tests stands for all of them.
    private static func local(_ text: String, _ url: String) -> String {
        text.replacing(/https:\/\/[a-z.]*example\.(org|com)/, with: url)
    }

    @Test("each runs, and prints what its page says", arguments: Example.all(of: "sh"))
    func run(_ example: Example) async throws {
        let need = Self.need(of: example)
        guard need.onlyRead == nil else { return }
        let room = try ExampleRoom()
        for plugin in need.plugins { try await room.addPlugin(plugin) }
        for (file, name) in need.files {
            let other = try Example.all.first { $0.name == name && $0.page == example.page } ?? Example.named(name)
            try room.write(other.text, to: file)
        }
        let flaky = FirstTime()
        let server = try ExampleServer { request, _ in
            switch request.path {
            case "/flaky": flaky.take() ? .init(status: 503, body: "busy\n") : .init(body: "works now\n")
            case "/missing": .init(status: 404, body: "there is no such page\n")
            case "/orders": .init(status: 201, body: request.body)
            default: .init(body: "ok\n", headers: ["Content-Type": "text/plain"])
            }
        }
        defer { server.stop() }
        let host = need.host ? try await room.serve() : nil
        let outcome = try await room.shell(Self.local(example.text, server.url))
        host?.send(15)
        if let host { #expect(await host.outcome.status == 0) }
        #expect(outcome.status == 0, "\(example.page):\(example.line)\n\(outcome.output)")
        guard let expected = example.output else { return }
        let paths = [room.path, server.url]
        let said = Plain.text(expected.replacing(/https:\/\/[a-z.]*example\.(org|com)/, with: "PATH"), without: ["/home/ada"])
        #expect(Plain.text(outcome.output, without: paths) == said, "\(example.page):\(example.line)\n\(outcome.output)")
    }

    @Test("every command and flag that a page names is there")
    func flags() async throws {
        let check = CommandLineCheck(tree: try await CommandTree.load())
        for page in Page.all {
            for code in page.inlineCode where code.text.hasPrefix("spindle ") {
                let words = CommandLineCheck.words(code.text).filter { word in
                    word != "…" && !word.hasPrefix("[") && !word.hasSuffix("]") && !word.hasPrefix("<")
                }
                if let problem = check.problem(words) { Issue.record("\(page.path):\(code.number): `\(code.text)`: \(problem)") }
            }
        }
        for example in Example.all(of: "sh") {
            for line in example.text.replacing("\\\n", with: " ").split(separator: "\n") {
                guard let start = line.ranges(of: "spindle ").first?.lowerBound else { continue }
                // Not `spindle-worker`, and not a word that ends with it.
                if start > line.startIndex, !" (".contains(line[line.index(before: start)]) { continue }
                let words = CommandLineCheck.words(String(line[start...]))
                if let problem = check.problem(words) { Issue.record("\(example.page):\(example.line): \(line): \(problem)") }
            }
        }
    }

    @Test("every flag and every setting that a page names by itself is there")
    func names() async throws {
        let tree = try await CommandTree.load()
        let flags = Set(tree.commands.flatMap { $0.command.arguments ?? [] }.flatMap { $0.names ?? [] }.map(\.text))
        for page in Page.all where page.path != "CONTRIBUTING.md" {
            for code in page.inlineCode {
                if let flag = code.text.firstMatch(of: /^--[a-z-]+/)?.output {
                    #expect(flags.contains(String(flag)), "\(page.path):\(code.number): no command has \(flag)")
                }
                // `plugins.lock` is a file.
                if code.text.wholeMatch(of: /(executionEngine|plugins|retention|secrets|log)\.[A-Za-z]+/) != nil,
                    code.text != "plugins.lock"
                {
                    #expect(ConfigurationKey.named(code.text) != nil, "\(page.path):\(code.number): there is no key \(code.text)")
                }
            }
        }
    }

    @Test("commands stand in fences, where they are run", arguments: Page.all)
    func inFences(page: Page) {
        for line in page.prose where line.text.hasPrefix("    ") && page.path != "Docs/cli.md" {
            let text = line.text.drop { $0 == " " }
            let isCommand = ["spindle ", "./", "cc ", "curl ", "swift "].contains { text.hasPrefix($0) }
            #expect(!isCommand, "\(page.path):\(line.number): \(text)")
        }
    }

    @Test("what the tests know of examples is about examples that are there")
    func knownNames() {
        let names = Set(Example.all(of: "sh").map(\.name))
        for name in Self.needs.keys { #expect(names.contains(name), "\(name)") }
    }
}
