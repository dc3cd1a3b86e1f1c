import FoundationEssentials
import Glibc
import Testing

/// A home of its own for examples: `spindle` in the path, nothing set, the SDK's header where a clone has it.
final class ExampleRoom: Sendable {
    private let sandbox: Sandbox

    init() throws {
        sandbox = try Sandbox()
        try #require(symlink("\(Repository.path)/PluginSDK", "\(path)/PluginSDK") == 0)
    }

    var path: String { sandbox.path }

    /// What a person's shell has, and no more: the state directory is the usual one.
    var environment: [String: String] {
        ["HOME": path, "PATH": "\(Command.products):/usr/bin:/bin", "TMPDIR": "/tmp", "LANG": "C.UTF-8"]
    }

    func start(_ arguments: [String], program: String? = nil) throws -> Command {
        try Command(arguments, program: program, environment: environment, directory: path)
    }

    @discardableResult
    func run(_ arguments: String..., program: String? = nil) async throws -> Command.Outcome {
        try await start(arguments, program: program).outcome
    }

    /// Runs lines of shell as a terminal shows them: both outputs in one.
    func shell(_ text: String) async throws -> Command.Outcome {
        try await run("-euo", "pipefail", "-c", "exec 2>&1\n\(text)", program: "/bin/bash")
    }

    func write(_ text: String, to file: String) throws {
        try Data(text.utf8).write(to: URL(filePath: "\(path)/\(file)"))
    }

    /// Where the host looks for plugins.
    var plugins: String { "\(path)/.local/state/spindle/plugins" }

    /// Puts a bundled plugin, or the first plugin of the pages, where the host looks.
    func addPlugin(_ name: String) async throws {
        var file = "\(Command.products)/libspindle-plugin-\(name).so"
        if name == "greet" {
            file = "\(path)/greet.so"
            try await compile(Example.named("greet.c", in: "README.md").text, as: "greet")
        }
        let added = try await run("plugins", "add", file, "--as", name)
        try #require(added.status == 0, "\(added.errors)")
    }

    /// Compiles C as the pages tell, and stricter.
    func compile(_ source: String, as name: String, flags: [String] = []) async throws {
        try write(source, to: "\(name).c")
        let arguments = [
            "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden", "-I", "PluginSDK/c/include",
        ]
        let compiled = try await start(arguments + flags + ["-o", "\(name).so", "\(name).c"], program: "cc").outcome
        try #require(compiled.status == 0, "\(compiled.errors)")
    }

    /// Starts a host and waits until it listens.
    func serve(_ arguments: String...) async throws -> Command {
        let host = try start(["serve"] + arguments)
        guard await host.line(containing: "listening at") != nil else {
            let outcome = await host.outcome
            Issue.record("the host ended with \(outcome.status): \(outcome.errors)")
            throw CancellationError()
        }
        return host
    }
}
