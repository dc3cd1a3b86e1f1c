import Glibc
import SpindleServer
import Testing

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The road of a quarantine as its operator sees it.
@Suite("A quarantined plugin", .timeLimit(.minutes(3)))
struct QuarantineCommandTests {
    private let sandbox: Sandbox

    init() throws { sandbox = try Sandbox() }

    private func submit(_ target: String, _ more: String...) async throws -> String {
        let arguments = ["submit", "--type", "serial", "--target", target, "--retries", "0"] + more
        let submitted = try await sandbox.run(arguments)
        return submitted.output.split(separator: "\n").first.map(String.init) ?? submitted.errors
    }

    private func plugin() async throws -> PluginSummary {
        let listed = try await sandbox.run("plugins", "list", "--json")
        try #require(listed.status == 0, "\(listed.errors)")
        let all = try JSONDecoder().decode(PluginListBody.self, from: Data(listed.output.utf8)).plugins
        return try #require(all.first { $0.name == "wild" })
    }

    private func state(_ id: String) async throws -> String? {
        let shown = try await sandbox.run("executions", "show", id)
        return shown.output.firstMatch(of: /state +([a-z]+)/).map { String($0.output.1) }
    }

    private static let source = """
        #include <spindle/executor.h>
        #include <stdlib.h>
        static spindle_status run(void *i, spindle_handle a, const spindle_request *r) {
            (void)i; (void)a;
            if (spindle_str_is(r->target, "crash")) abort();
            return spindle_succeed(r, SPINDLE_STR("fine"), "text/plain"); }
        static const spindle_executor_descriptor kind = { .struct_size = sizeof kind, .type = "serial", .execute = run };
        static const spindle_executor_descriptor *const kinds[] = { &kind };
        static const spindle_executor_factory factory = { .struct_size = sizeof factory, .executor_count = 1, .executors = kinds,
            .plugin_id = "com.example.wild", .plugin_version = "1.0.0" };
        SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return &factory; }
        """

    @Test("its jobs wait, over a restart of the host, until it is released; then they run")
    func road() async throws {
        try Data(Self.source.utf8).write(to: URL(filePath: "\(sandbox.path)/wild.c"))
        let header = "\(Repository.path)/PluginSDK/c/include"
        let compiled = try await sandbox.shell(
            "PATH=/usr/bin:/bin cc -shared -fPIC -fvisibility=hidden -I \(header) -o wild.so wild.c"
        )
        try #require(compiled.status == 0, "\(compiled.errors)")
        #expect(try await sandbox.run("plugins", "add", "wild.so").status == 0)
        var host = try await sandbox.serve()
        #expect(try await sandbox.run("plugins", "release", "wild").status == 2)
        #expect(try await sandbox.run("plugins", "release", "tame").status == 4)
        for _ in 0..<3 { _ = try await submit("crash", "--wait") }
        var wild = try await plugin()
        #expect(wild.state == "quarantined" && wild.reason?.contains("SIGABRT") == true, "\(wild.reason ?? "")")
        let waiting = try await submit("well")
        #expect(try await state(waiting) == "queued")
        let inspected = try await sandbox.run("plugins", "inspect", "wild")
        #expect(inspected.status == 0 && inspected.output.contains("quarantined: 3 crashes"), "\(inspected.output)")
        host.send(SIGTERM)
        #expect(await host.outcome.status == 0)
        // Without a host the list says the same; another start of it changes nothing.
        #expect(try await plugin().state == "quarantined")
        host = try await sandbox.serve()
        #expect(try await state(waiting) == "queued")
        let released = try await sandbox.run("plugins", "release", "wild")
        #expect(released.status == 0 && released.output == "wild serving\n", "\(released.output)\(released.errors)")
        // It follows the log to the execution's end.
        #expect(try await sandbox.run("executions", "logs", "-f", waiting).status == 0)
        #expect(try await state(waiting) == "succeeded")
        wild = try await plugin()
        #expect(wild.state == "serving" && wild.reason == nil)
        let running = try await sandbox.run("plugins", "inspect", "wild", "--json")
        #expect(running.output.contains("\"running\"") && running.output.contains("\"pid\""), "\(running.output)")
        host.send(SIGTERM)
        #expect(await host.outcome.status == 0)
    }

    @Test("a release without a host lifts what was kept")
    func withoutHost() async throws {
        try Data(Self.source.utf8).write(to: URL(filePath: "\(sandbox.path)/wild.c"))
        let header = "\(Repository.path)/PluginSDK/c/include"
        let compiled = try await sandbox.shell(
            "PATH=/usr/bin:/bin cc -shared -fPIC -fvisibility=hidden -I \(header) -o wild.so wild.c"
        )
        try #require(compiled.status == 0, "\(compiled.errors)")
        #expect(try await sandbox.run("plugins", "add", "wild.so").status == 0)
        let host = try await sandbox.serve()
        for _ in 0..<3 { _ = try await submit("crash", "--wait") }
        host.send(SIGTERM)
        #expect(await host.outcome.status == 0)
        #expect(try await plugin().state == "quarantined")
        #expect(try await sandbox.run("plugins", "release", "wild").output == "wild serving\n")
        #expect(try await plugin().state == "serving")
    }
}
