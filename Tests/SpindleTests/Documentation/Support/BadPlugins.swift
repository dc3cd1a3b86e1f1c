import FoundationEssentials
import Glibc
import Testing

/// Files that no host can use, each wrong in one way, in the plugin directory of a room.
struct BadPlugins {
    let room: ExampleRoom

    private static let source = """
        #include <spindle/executor.h>
        #include <signal.h>
        #include <stdlib.h>
        #include <unistd.h>
        static spindle_status run(void *i, spindle_handle a, const spindle_request *r) {
            (void)i; (void)a; return spindle_succeed(r, SPINDLE_STR(""), NULL); }
        static spindle_status crash(void *i, spindle_handle a, const spindle_request *r) {
            (void)i; (void)a; (void)r; *(volatile int *)0 = 1; return SPINDLE_OK; }
        static const char *const needs[] = { "fs:read:*" };
        static const spindle_executor_descriptor kind = { .struct_size = SIZE, .type = TYPE, .execute = EXECUTE, .flags = FLAGS,
            .needs = needs, .need_count = NEEDS };
        static const spindle_executor_descriptor *const kinds[] = { KINDS };
        static const spindle_executor_factory factory = { .struct_size = FACTORY, .min_host_minor = MINOR,
            .executor_count = COUNT, .executors = kinds, .plugin_id = ID, .plugin_version = VERSION };
        SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { (void)run; (void)crash; (void)&kind; return RETURN; }
        __attribute__((constructor)) static void begin(void) { BEGIN; }
        """

    /// Compiles one that loads, and adds it as people do.
    static func compile(_ name: String, in room: ExampleRoom, _ changes: [String: String], flags: [String]) async throws {
        try await room.addPlugin("greet")
        try await BadPlugins(room: room).compile(name, changes, flags: flags)
    }

    /// Compiles a plugin with some things changed, and puts it where the host looks.
    func compile(_ name: String, _ changes: [String: String] = [:], flags: [String] = [], sidecar: String? = nil) async throws {
        let plain = [
            "SIZE": "sizeof kind", "TYPE": "\"\(name)\"", "EXECUTE": "run", "FLAGS": "0", "KINDS": "&kind",
            "FACTORY": "sizeof factory", "MINOR": "0", "COUNT": "1", "ID": "\"com.example.bad\"", "VERSION": "\"1.0.0\"",
            "RETURN": "&factory", "BEGIN": "", "NEEDS": "0",
        ]
        let defines = plain.merging(changes) { $1 }.map { "-D\($0.key)=\($0.value)" }
        try await room.compile(Self.source, as: name, flags: defines + flags + ["-D_GNU_SOURCE"])
        try put(bytes(of: "\(room.path)/\(name).so"), as: name)
        if let sidecar { try write(sidecar, to: "\(name).yaml") }
    }

    /// Every file that can be made wrong without being somebody else.
    func makeAll() async throws {
        try write("hello", to: "text.so")
        try await compile("cut")
        let whole = try bytes(of: "\(room.plugins)/cut.so")
        try put(whole.prefix(whole.count / 2), as: "cut")
        try put(whole.prefix(40), as: "stub")
        try put(changing(whole, at: 4, to: 1), as: "bits")
        try put(changing(whole, at: 16, to: 1), as: "object")
        try put(changing(whole, at: 18, to: whole[whole.startIndex + 18] == 183 ? 62 : 183), as: "machine")
        try await room.compile("int x;", as: "library")
        try put(bytes(of: "\(room.path)/library.so"), as: "library")
        try #require(mkfifo("\(room.plugins)/fifo.so", 0o644) == 0)
        try #require(mkdir("\(room.plugins)/directory.so", 0o755) == 0)
        try #require(symlink("good.so", "\(room.plugins)/link.so") == 0)
        try #require(symlink("nowhere.so", "\(room.plugins)/dangling.so") == 0)
        try put(whole, as: "writable")
        try #require(chmod("\(room.plugins)/writable.so", 0o646) == 0)
        try put(whole, as: "a name")
        try await makeFactories()
        try await makeLoads()
        try await makeSidecars()
    }

    /// Wrong in what the factory says.
    private func makeFactories() async throws {
        try await compile("null", ["RETURN": "NULL"])
        try await compile("short", ["FACTORY": "8"])
        try await compile("future", ["MINOR": "7"])
        try await compile("nameless", ["ID": "NULL"])
        try await compile("versionless", ["VERSION": "\"\""])
        try await compile("empty", ["COUNT": "0"])
        try await compile("hole", ["KINDS": "NULL"])
        try await compile("stunted", ["SIZE": "16"])
        try await compile("spaced", ["TYPE": "\"no spaces\""])
        try await compile("idle", ["EXECUTE": "NULL"])
        try await compile("torn", ["FLAGS": "SPINDLE_EXECUTOR_BLOCKING|SPINDLE_EXECUTOR_ASYNC"])
        try await compile("double", ["KINDS": "&kind,&kind", "COUNT": "2"])
    }

    /// Wrong when they are loaded, or in what they need.
    private func makeLoads() async throws {
        try await compile("symbol", ["BEGIN": "extern void nowhere(void); nowhere()"])
        try await compile("crash", ["BEGIN": "*(volatile int *)0 = 1"])
        try await compile("abort", ["BEGIN": "abort()"])
        try await compile("exit", ["BEGIN": "exit(0)"])
        try await room.compile("int elsewhere(void) { return 1; }", as: "libelsewhere")
        let linked = ["-Wl,--no-as-needed", "-L\(room.path)", "-lelsewhere"]
        try await compile("missing", flags: linked)
        try await compile("relative", flags: ["-Wl,-rpath,lib"])
        try await compile("stack", flags: ["-Wl,-z,execstack"])
        try #require(mkdir("\(room.path)/shared", 0o755) == 0 && chmod("\(room.path)/shared", 0o777) == 0)
        try await compile("unsafe", flags: ["-Wl,-rpath,\(room.path)/shared"])
        try put(bytes(of: "\(room.path)/libelsewhere.so"), as: "libelsewhere")
        try await compile("origin", flags: linked + ["-Wl,-rpath,$ORIGIN"])
    }

    /// Wrong beside their sidecar, or beside another plugin.
    private func makeSidecars() async throws {
        try await compile("typo", sidecar: "timeuot: 5s\n")
        try await compile("unknown", sidecar: "executors: [{type: x, uses: unknwon}]\n")
        try await compile("nothing", sidecar: "types: [other]\n")
        try await compile(
            "isolated",
            ["FLAGS": "SPINDLE_EXECUTOR_NEEDS_ISOLATION"],
            sidecar: "isolation: in-process\nallowInProcess: true\n"
        )
        try await compile("hosted", sidecar: "isolation: in-process\n")
        let trigger = "triggers: [{name: orders}]\n"
        try await compile("watcher", sidecar: trigger + "submits: [good]\n")
        try await compile("ungranted", sidecar: trigger)
        try await compile(
            "resident",
            sidecar: trigger + "submits: [good]\nisolation: in-process\nallowInProcess: true\n"
        )
        try await compile("pretence", sidecar: "needs: {net: none}\n")
        try await compile("absent", ["NEEDS": "1"], sidecar: "isolation: sandbox\nneeds: {read: [/srv/absent]}\n")
        try await compile("rude", ["BEGIN": "signal(SIGPIPE, SIG_IGN)"], sidecar: "isolation: in-process\nallowInProcess: true\n")
        try await compile("off", sidecar: "enabled: false\n")
        try await compile("open", sidecar: "concurrency: 1\n")
        try #require(chmod("\(room.plugins)/open.yaml", 0o666) == 0)
        try await compile("folder")
        try #require(mkdir("\(room.plugins)/folder.yaml", 0o755) == 0)
        try await compile("second", ["TYPE": "\"good\""])
        try await compile("host", ["TYPE": "\"internal\""])
    }

    // MARK: Files

    private func bytes(of path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: path))) }

    private func put(_ bytes: some Collection<UInt8>, as name: String) throws {
        let path = "\(room.plugins)/\(name).so"
        try Data(bytes).write(to: URL(filePath: path))
        try #require(chmod(path, 0o644) == 0)
    }

    private func write(_ text: String, to file: String) throws {
        let path = "\(room.plugins)/\(file)"
        try Data(text.utf8).write(to: URL(filePath: path))
        try #require(chmod(path, 0o644) == 0)
    }

    private func changing(_ bytes: [UInt8], at index: Int, to value: UInt8) -> [UInt8] {
        var bytes = bytes
        bytes[index] = value
        return bytes
    }
}
