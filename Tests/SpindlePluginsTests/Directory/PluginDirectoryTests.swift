import FoundationEssentials
import Glibc
import SpindleCore
import Testing

@testable import SpindlePlugins

@Suite(.timeLimit(.minutes(5)))
struct PluginDirectoryTests {
    private let workspace: Workspace

    init() throws { workspace = try Workspace() }

    private func host(probeTimeout: Int64 = 60_000_000, reserved: Set<String> = []) throws -> PluginHost {
        try PluginHost(
            configuration: PluginHostConfiguration(
                directory: workspace.plugins,
                stateDirectory: workspace.state,
                workerPath: Workspace.worker,
                probeTimeout: probeTimeout,
                reservedTypes: reserved
            )
        )
    }

    private func load(probeTimeout: Int64 = 60_000_000, reserved: Set<String> = []) async throws -> [String: PluginListing] {
        let host = try host(probeTimeout: probeTimeout, reserved: reserved)
        let listings = try await host.load()
        await host.stop()
        return Dictionary(uniqueKeysWithValues: listings.map { ($0.file, $0) })
    }

    private static let factory = """
        #include <spindle/executor.h>
        #include <signal.h>
        #include <stdlib.h>
        #include <unistd.h>
        static spindle_status run(void *i, spindle_handle a, const spindle_request *r) {
            (void)i; (void)a; return spindle_succeed(r, SPINDLE_STR(""), NULL); }
        static const spindle_executor_descriptor kind = {
            .struct_size = sizeof kind, .type = TYPE, .execute = run, KIND };
        static const spindle_executor_descriptor *const kinds[] = { &kind };
        static const spindle_executor_factory factory = { .struct_size = sizeof factory, .executor_count = 1,
            .executors = kinds, .plugin_id = "com.example.test", .plugin_version = "1.0.0", FACTORY };
        SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { RETURN; }
        __attribute__((constructor)) static void begin(void) { BEGIN; }
        """

    /// Compiles a plugin with one thing changed.
    private func compile(_ name: String, _ changes: [String: String] = [:], flags: [String] = []) throws {
        let plain = [
            "TYPE": "\"\(name)\"", "KIND": ".flags = 0", "FACTORY": ".sdk = 0", "RETURN": "return &factory", "BEGIN": "",
        ]
        let defines = plain.merging(changes) { $1 }.map { "-D\($0.key)=\($0.value)" }
        try workspace.compile("", source: Self.factory, as: name, flags: defines + flags)
    }

    /// One bad file, and what its reason says.
    enum BadFile: CaseIterable, CustomTestStringConvertible {
        case text, empty, truncated, header, machine, program, fifo, directory, symlink, dangling, groupWritable
        case worldWritable, hidden, null, shortFactory, futureHost, noExecutors, badType, undefinedSymbol
        case crashes, exits, hangs, badSidecar, badName, origin

        var testDescription: String { "\(self)" }

        var reason: String {
            switch self {
            case .text: "not an ELF file"
            case .empty: "not an ELF file"
            case .truncated, .header: "truncated"
            case .machine: "it is built for another machine (AArch64)"
            case .program: "does not export"
            case .fifo: "FIFO"
            case .directory: "it is a directory"
            case .symlink, .dangling: "symbolic link"
            case .groupWritable, .worldWritable: "can be written by others"
            case .hidden: "does not export spindle_executor_factory_v1"
            case .null: "returned NULL"
            case .shortFactory: "struct_size is 8"
            case .futureHost: "needs a host with ABI 1.7"
            case .noExecutors: "1 to 1024 executors"
            case .badType: "its type must match"
            case .undefinedSymbol: "undefined symbol"
            case .crashes: "SIGSEGV"
            case .exits: "exited with status 0"
            case .hangs: "did not end within"
            case .badSidecar: "did you mean \"timeout\""
            case .badName: "its name may only have"
            case .origin: "libelsewhere.so, which only $ORIGIN finds"
            }
        }
    }

    private func make(_ bad: BadFile) throws {
        let path = "\(workspace.plugins)/bad.so"
        switch bad {
        case .text: try workspace.write("hello", to: "bad.so")
        case .empty: try workspace.write("", to: "bad.so")
        case .truncated: try change { $0.removeLast($0.count / 2) }
        case .header: try change { $0.removeLast($0.count - 200) }
        case .machine: try change { $0[18] = 183 }
        case .program: try workspace.compile("", source: "int x;", as: "bad")
        case .fifo: try #require(mkfifo(path, 0o644) == 0)
        case .directory: try #require(mkdir(path, 0o755) == 0)
        case .symlink: try #require(symlink("good.so", path) == 0)
        case .dangling: try #require(symlink("nowhere.so", path) == 0)
        case .groupWritable:
            try compile("bad")
            try #require(chmod(path, 0o664) == 0)
        case .worldWritable:
            try compile("bad")
            try #require(chmod(path, 0o646) == 0)
        case .hidden:
            let map = "\(workspace.path)/hidden.map"
            try Data("{ local: *; };".utf8).write(to: URL(filePath: map))
            try compile("bad", flags: ["-Wl,--version-script=\(map)"])
        case .null: try compile("bad", ["RETURN": "return NULL"])
        case .shortFactory: try compile("bad", ["FACTORY": ".struct_size = 8"], flags: ["-Wno-initializer-overrides"])
        case .futureHost: try compile("bad", ["FACTORY": ".min_host_minor = 7"])
        case .noExecutors: try compile("bad", ["FACTORY": ".executor_count = 0"], flags: ["-Wno-initializer-overrides"])
        case .badType: try compile("bad", ["TYPE": "\"no spaces\""])
        case .undefinedSymbol: try compile("bad", ["BEGIN": "extern void nowhere(void); nowhere()"])
        case .crashes: try compile("bad", ["BEGIN": "raise(SIGSEGV)"])
        case .exits: try compile("bad", ["BEGIN": "exit(0)"])
        case .hangs: try compile("bad", ["BEGIN": "for (;;) sleep(1)"])
        case .badSidecar:
            try compile("bad")
            try workspace.write("timeuot: 5s\n", to: "bad.yaml")
        case .badName:
            try compile("bad")
            try #require(rename(path, "\(workspace.plugins)/b d.so") == 0)
        case .origin:
            try workspace.compile("", source: "int elsewhere(void) { return 1; }", as: "libelsewhere")
            try compile(
                "bad",
                flags: ["-Wl,--no-as-needed", "-L\(workspace.plugins)", "-lelsewhere", "-Wl,-rpath,$ORIGIN"]
            )
        }
    }

    private func change(_ body: (inout [UInt8]) -> Void) throws {
        try compile("bad")
        let url = URL(filePath: "\(workspace.plugins)/bad.so")
        var bytes = [UInt8](try Data(contentsOf: url))
        body(&bytes)
        try Data(bytes).write(to: url)
        try #require(chmod(url.path, 0o644) == 0)
    }

    @Test("a bad file is listed with its reason and stops no other", arguments: BadFile.allCases)
    func badFile(_ bad: BadFile) async throws {
        try compile("good")
        try make(bad)
        let listings = try await load(probeTimeout: bad == .hangs ? 3_000_000 : 60_000_000)
        #expect(listings["good.so"]?.status == .serving)
        let listing = try #require(listings["bad.so"] ?? listings["b d.so"])
        guard case .refused(let reason) = listing.status else {
            Issue.record("\(listing.status)")
            return
        }
        #expect(reason.contains(bad.reason), "\(reason)")
    }

    @Test("of two plugins with one type the first serves; internal types win")
    func conflict() async throws {
        try compile("a", ["TYPE": "\"same\""])
        try compile("b", ["TYPE": "\"Same\""])
        try compile("c")
        let listings = try await load(reserved: ["C"])
        #expect(listings["a.so"]?.status == .serving)
        #expect(listings["b.so"]?.status == .conflict("the type \"same\" is served by a.so already"))
        #expect(listings["c.so"]?.status == .conflict("the type \"c\" is served by the host itself already"))
    }

    @Test("a plugin can be switched off, named anew and limited by its sidecar")
    func sidecar() async throws {
        try workspace.addZoo()
        try workspace.write(
            """
            concurrency: 7
            timeout: 20s
            maxTimeout: 1m
            executors:
              - { type: one, uses: serial, config: { a: 1 } }
              - { type: two, uses: parallel, concurrency: 3 }
            types: [two]
            """,
            to: "zoo.yaml"
        )
        try compile("off")
        try workspace.write("enabled: false\n", to: "off.yaml")
        let host = try host()
        try await host.load()
        let descriptors = host.executors.map(\.descriptor)
        #expect(descriptors.map(\.type) == ["two"])
        #expect(descriptors.first?.concurrency == 3)
        #expect(descriptors.first?.pluginConcurrency == 7)
        #expect(descriptors.first?.plugin == "zoo")
        #expect(descriptors.first?.policy.timeout == 20_000_000)
        #expect(descriptors.first?.maxTimeout == 60_000_000)
        #expect(host.listings.first { $0.file == "off.so" }?.status == .disabled)
        await host.stop()
    }

    @Test("hints of the plugin count where the sidecar says nothing")
    func hints() async throws {
        try workspace.addZoo()
        let host = try host()
        try await host.load()
        let serial = host.executors.map(\.descriptor).first { $0.type == "serial" }
        #expect(serial?.policy.timeout == 60_000_000)
        #expect(serial?.targetPrefixes == ["zoo://"])
        await host.stop()
    }

    @Test("a directory that others can write is not used at all")
    func untrustedDirectory() async throws {
        try compile("good")
        try #require(chmod(workspace.plugins, 0o777) == 0)
        let host = try host()
        await #expect(throws: SpindleError.self) { try await host.load() }
        await host.stop()
    }

    @Test("verdicts are kept by content, also bad ones")
    func cache() async throws {
        try compile("bad", ["BEGIN": "exit(0)"])
        _ = try await load()
        let path = "\(workspace.state)/plugin-verdicts.json"
        var status = stat()
        try #require(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        // The second look needs no process: it would not be found.
        let kept = CacheFile<KeptVerdict>(path: path)
        #expect(kept.entries.count == 1)
        #expect(try await load()["bad.so"]?.reason?.contains("exited with status 0") == true)
        // A cache that others may have written is not believed.
        try #require(chmod(path, 0o644) == 0)
        #expect(CacheFile<KeptVerdict>(path: path).entries.isEmpty)
    }

    /// The machine's clock, in another time.
    private struct ShiftedClock: HostClock {
        let shift: Int64
        var now: Timestamp { SystemClock().now.advanced(byMicroseconds: shift) }
        var monotonic: Int64 { SystemClock().monotonic }
    }

    /// A host whose looks are outside of a sandbox: what it finds may then depend on files of the test's.
    private func loadOutside(probeTimeout: Int64 = 60_000_000, after shift: Int64 = 0) async throws -> PluginListing? {
        var configuration = PluginHostConfiguration(
            directory: workspace.plugins,
            stateDirectory: workspace.state,
            workerPath: Workspace.worker,
            probeTimeout: probeTimeout,
            clock: ShiftedClock(shift: shift)
        )
        configuration.withoutLayers = SandboxLayers.all(isRoot: true).union(.user)
        let host = try PluginHost(configuration: configuration)
        let listing = try await host.load().first
        await host.stop()
        return listing
    }

    @Test("a look that failed is repeated some time later, and when it is given more time")
    func failedLook() async throws {
        let allowed = "\(workspace.path)/allowed"
        try compile("p", ["BEGIN": "if (access(\"\(allowed)\", F_OK) != 0) exit(7)"])
        #expect(try await loadOutside()?.reason?.contains("exited with status 7") == true)
        try Data().write(to: URL(filePath: allowed))
        #expect(try await loadOutside()?.reason?.contains("exited with status 7") == true)
        #expect(try await loadOutside(probeTimeout: 61_000_000)?.status == .serving)
        #expect(try await loadOutside(after: 601_000_000)?.status == .serving)
    }

    @Test("a plugin that is looked at starts nothing and sees nothing", .enabled(if: Sandbox.refusal == nil))
    func lookInSandbox() async throws {
        let secret = "\(workspace.path)/secret"
        try Data().write(to: URL(filePath: secret))
        try compile("p", ["BEGIN": "if (access(\"\(secret)\", F_OK) == 0 || fork() >= 0) exit(7)"])
        #expect(try await load()["p.so"]?.status == .serving)
        // The proof that it would have: the same without layers, with another limit so that the verdict is not the kept one.
        #expect(try await loadOutside(probeTimeout: 61_000_000)?.reason?.contains("exited with status 7") == true)
    }

    @Test("a sidecar without its plugin is told: its settings do not count")
    func orphans() async throws {
        try compile("good")
        try workspace.write("concurrency: 2\n", to: "good.yaml")
        try workspace.write("concurrency: 2\n", to: "god.yaml")
        try workspace.write("concurrency: 2\n", to: "good.yml")
        let listings = try await load()
        #expect(listings["good.so"]?.status == .serving)
        #expect(listings["god.yaml"]?.reason == "there is no plugin god.so that it would be the sidecar of")
        #expect(listings["good.yml"]?.reason == "it is not read: a sidecar is called good.yaml")
        #expect(listings.count == 3)
    }

    @Test("a configuration that does not fit the plugin's schema is refused with the place; parameters get theirs")
    func schemas() async throws {
        let schema = ##""{\"required\":[\"n\"],\"properties\":{\"n\":{\"type\":\"integer\"}}}""##
        for name in ["fits", "wrong", "none"] {
            try compile(name, ["KIND": ".config_schema = \(schema), .parameters_schema = \(schema)"])
        }
        try compile("broken", ["KIND": ".parameters_schema = \"{\""])
        try workspace.write("config: {n: 3}\n", to: "fits.yaml")
        try workspace.write("config: {n: many}\n", to: "wrong.yaml")
        let host = try host()
        let listings = Dictionary(uniqueKeysWithValues: try await host.load().map { ($0.file, $0) })
        #expect(listings["fits.so"]?.status == .serving)
        #expect(listings["wrong.so"]?.reason == "/n in the configuration of \"wrong\" must be a whole number")
        #expect(listings["none.so"]?.reason == "/n in the configuration of \"none\" is missing")
        #expect(
            listings["broken.so"]?.reason == "its parameters schema for \"broken\" cannot be used: the schema is not JSON"
        )
        let parameters = try #require(host.executors.first?.descriptor.parametersSchema)
        #expect(parameters.violation(in: Parameters(["n": "3"])) == nil)
        #expect(parameters.violation(in: Parameters(["n": "x"])) != nil)
        await host.stop()
    }

    @Test("a plugin changed in place is another one")
    func changedInPlace() async throws {
        try compile("p", ["TYPE": "\"before\""])
        #expect(try await load()["p.so"]?.types == ["before"])
        try compile("p", ["TYPE": "\"after\""])
        #expect(try await load()["p.so"]?.types == ["after"])
    }

    @Test("a file is added with the right mode, and inspected where it lies")
    func add() async throws {
        try compile("p")
        let target = "\(workspace.path)/other"
        try #require(chmod("\(workspace.plugins)/p.so", 0o600) == 0)
        let path = try await PluginHost.add(file: "\(workspace.plugins)/p.so", as: "q", to: target)
        #expect(path == "\(target)/q.so")
        var status = stat()
        try #require(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o644)
        try workspace.write("nothing", to: "text.so")
        let text = "\(workspace.plugins)/text.so"
        await #expect(throws: SpindleError(.plugin, "\(text) is not added: it is not an ELF file.")) {
            try await PluginHost.add(file: text, to: target)
        }
        let host = try host()
        try #require(chmod("\(workspace.plugins)/p.so", 0o666) == 0)
        let listing = try await host.inspect(file: "\(workspace.plugins)/p.so")
        #expect(listing.types == ["p"] && listing.mode == 0o666 && listing.digest?.count == 64)
        await host.stop()
    }

    @Test("more than 128 files are not looked at")
    func many() async throws {
        for number in 100..<240 { try workspace.write("x", to: "f\(number).so") }
        #expect(try await load().count == 128)
    }
}
