import FoundationEssentials
import SpindleCore
import Testing

@testable import SpindlePlugins

/// `spindle plugins check` finds what the zoo does wrong, and nothing where nothing is wrong.
@Suite("Check of a plugin", .timeLimit(.minutes(5)))
struct PluginCheckTests {
    /// A plugin of the zoo, and the check that must name it.
    struct Case: Sendable, CustomTestStringConvertible {
        let plugin: String
        let check: String
        let verdict: PluginCheck.Verdict
        let says: String
        /// In microseconds. Short only where the end never comes by itself: no slow machine may fail the others.
        let limit: Int64
        var testDescription: String { plugin }

        init(_ plugin: String, _ check: String, _ verdict: PluginCheck.Verdict, _ says: String, limit: Int64 = 60_000_000) {
            (self.plugin, self.check, self.verdict, self.says, self.limit) = (plugin, check, verdict, says, limit)
        }
    }

    private static func sources() -> String {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "PluginSDK/zoo").path
    }

    private static func check(
        _ plugin: String,
        source: String? = nil,
        sidecar: String? = nil,
        flags: [String] = [],
        callLimit: Int64? = 60_000_000
    ) async throws -> [PluginCheck] {
        let workspace = try Workspace()
        let text = try source ?? String(decoding: Data(contentsOf: URL(filePath: "\(sources())/\(plugin).c")), as: UTF8.self)
        try workspace.compile(plugin, source: text, as: plugin, flags: ["-I", sources()] + flags)
        if let sidecar { try workspace.write(sidecar, to: "\(plugin).yaml") }
        let configuration = PluginHostConfiguration(
            directory: nil,
            stateDirectory: workspace.state,
            workerPath: Workspace.worker,
            probeTimeout: 60_000_000
        )
        return try await PluginHost.check(
            file: "\(workspace.plugins)/\(plugin).so",
            configuration: configuration,
            callLimit: callLimit
        )
    }

    @Test("a healthy plugin fails nothing, and every look was made")
    func healthy() async throws {
        let checks = try await Self.check("healthy", flags: ["-Wl,--version-script=\(Self.sources())/../plugin.map"])
        #expect(!checks.contains { $0.verdict == .failed }, "\(checks)")
        let names = [
            "file", "exports", "loading", "init", "plugin", "descriptor healthy", "instance healthy", "call healthy",
            "cancel healthy",
            "contract healthy", "end",
        ]
        for name in names { #expect(checks.contains { $0.name == name }, "\(name): \(checks.map(\.name))") }
        // It is a plugin of a few lines: what people would miss is said.
        #expect(checks.contains { $0.name == "descriptor healthy" && $0.verdict == .warning && $0.advice != nil })
    }

    @Test(
        "what a plugin of the zoo does wrong is named",
        arguments: [
            Case("constructor-crash", "loading", .failed, "SIGSEGV"),
            Case("constructor-exit", "loading", .failed, "exited with status 0"),
            Case("no-factory", "file", .failed, "does not export"),
            Case("twin-types", "loading", .failed, "offered twice"),
            Case("failing-init", "instance failing-init", .failed, "init failed"),
            Case("bad-create", "instance bad-create", .failed, ""),
            Case("bad-schema", "descriptor bad-schema", .failed, "not JSON"),
            Case("deep-schema", "descriptor deep-schema", .failed, "nested deeper"),
            Case("segv", "call segv", .failed, "SIGSEGV"),
            Case("exit-zero", "call exit-zero", .failed, "took its worker down"),
            Case("no-result", "call no-result", .failed, "without calling complete"),
            Case("unknown-outcome", "call unknown-outcome", .failed, "outcome"),
            Case("complete-twice", "contract complete-twice", .failed, "that were over"),
            Case("never-completes", "call never-completes", .warning, "did not end within", limit: 500_000),
            Case("never-completes", "descriptor never-completes", .warning, "cannot be asked to end", limit: 500_000),
            Case("hanging-cancel", "cancel hanging-cancel", .warning, "by force", limit: 500_000),
            Case("constructor-busy", "loading", .warning, "changes what its whole process shares"),
            Case("huge-result", "call huge-result", .failed, "over 1 MiB"),
        ]
    )
    func zoo(_ wrong: Case) async throws {
        let checks = try await Self.check(wrong.plugin, callLimit: wrong.limit)
        let found = checks.filter { $0.name == wrong.check && $0.verdict == wrong.verdict }
        #expect(found.contains { $0.message.contains(wrong.says) && $0.advice != nil }, "\(checks)")
    }

    private static let unusual = """
        #include "zoo.h"
        static const char *const needs[] = { "net:example.com:443", "fs:read:*", "everything" };
        static const char *const prefixes[] = { "" };
        ZOO_RUN { return zoo_succeed(request); }
        int stray_name = 1;
        ZOO_KIND("Unusual", .flags = 0x100, .needs = needs, .need_count = 3, .target_prefixes = prefixes, .target_prefix_count = 1,
                 .config_schema = "{\\"type\\": \\"object\\", \\"required\\": [\\"url\\"]}")
        static const spindle_executor_factory factory = { .struct_size = sizeof factory, .executor_count = 1, .executors = kinds,
            .plugin_id = "unusual", .plugin_version = "one" };
        SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return &factory; }
        """

    @Test("what a descriptor says is held against the rules of the ABI")
    func descriptor() async throws {
        let checks = try await Self.check("unusual", source: Self.unusual, flags: ["-fvisibility=default"])
        func has(_ name: String, _ verdict: PluginCheck.Verdict, _ says: String) -> Bool {
            checks.contains { $0.name == name && $0.verdict == verdict && $0.message.contains(says) }
        }
        #expect(has("plugin", .warning, "reverse DNS") && has("plugin", .failed, "semantic version"), "\(checks)")
        #expect(has("exports", .warning, "stray_name"), "\(checks)")
        #expect(has("descriptor unusual", .failed, "\"everything\" means nothing"), "\(checks)")
        #expect(!checks.contains { $0.message.contains("\"net:example.com:443\"") || $0.message.contains("\"fs:read:*\"") })
        #expect(
            has("descriptor unusual", .failed, "empty target prefix") && has("descriptor unusual", .warning, "capital"),
            "\(checks)"
        )
        #expect(has("descriptor unusual", .warning, "flags that this host does not know"), "\(checks)")
        // Without a sidecar nobody can know its configuration; what is there is no failure.
        #expect(has("configuration", .warning, "url"), "\(checks)")
    }

    @Test("the sidecar beside it counts")
    func sidecar() async throws {
        let plain = Self.unusual.replacing("\"everything\"", with: "\"exec\"").replacing("\"one\"", with: "\"1.0.0\"")
        var checks = try await Self.check("unusual", source: plain, sidecar: "config: {url: x}\n", callLimit: nil)
        #expect(checks.contains { $0.name == "instance unusual" && $0.verdict == .ok }, "\(checks)")
        #expect(!checks.contains { $0.name.hasPrefix("call") }, "calls were made")
        checks = try await Self.check("unusual", source: plain, sidecar: "config: {}\n")
        #expect(checks.contains { $0.name == "configuration" && $0.verdict == .failed }, "\(checks)")
        checks = try await Self.check("unusual", source: plain, sidecar: "timeuot: 5s\n")
        #expect(checks.contains { $0.name == "sidecar" && $0.message.contains("did you mean") }, "\(checks)")
        #expect(!checks.contains { $0.name == "loading" }, "it was loaded though nobody knows where it may run")
    }

    @Test("a file that is not there is an error, not a finding")
    func missing() async throws {
        await #expect(throws: SpindleError.self) {
            try await PluginHost.check(
                file: "/no/such/plugin.so",
                configuration: PluginHostConfiguration(directory: nil, workerPath: Workspace.worker)
            )
        }
    }
}
