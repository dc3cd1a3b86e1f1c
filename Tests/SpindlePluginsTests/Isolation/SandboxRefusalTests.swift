import Glibc
import SpindleCore
import Testing

@testable import SpindlePlugins

/// What is said when a promise cannot be kept.
@Suite(.timeLimit(.minutes(5)))
struct SandboxRefusalTests {
    private let workspace: Workspace

    init() throws {
        workspace = try Workspace()
        try workspace.addZoo()
    }

    private func reason(_ sidecar: String) async throws -> String? {
        try workspace.write(sidecar, to: "zoo.yaml")
        return try await Rig.with(workspace) { $0.host.listings.first?.reason }
    }

    @Test(
        "a machine without a layer refuses the plugin, and names it",
        .enabled(if: Sandbox.refusal != nil),
        arguments: ["sandbox", "one-shot"]
    )
    func machine(_ level: String) async throws {
        let expected = "isolation \(level) cannot be given here: \(try #require(Sandbox.refusal)); see spindle doctor"
        #expect(try await reason("isolation: \(level)\n") == expected)
    }

    /// What runs already when it is loaded.
    private static let marking = """
        #include <spindle/executor.h>
        #include <fcntl.h>
        #include <unistd.h>
        __attribute__((constructor)) static void mark(void) { close(open(MARK, O_CREAT | O_WRONLY, 0644)); }
        static spindle_status execute(void *instance, spindle_handle attempt, const spindle_request *r) {
            (void)instance; (void)attempt;
            return spindle_succeed(r, spindle_str_make("", 0), "text/plain");
        }
        static const spindle_executor_descriptor one = { .struct_size = sizeof one, .type = "mark", .execute = execute };
        static const spindle_executor_descriptor *const all[] = { &one };
        static const spindle_executor_factory factory = { .struct_size = sizeof factory, .abi_minor = SPINDLE_ABI_MINOR,
            .executor_count = 1, .executors = all, .plugin_id = "com.example.mark", .plugin_version = "1.0.0" };
        SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return &factory; }
        """

    @Test("without a sandbox, what is for one is not even looked at outside of one", arguments: ["sandbox", "one-shot", "worker"])
    func unprobed(_ level: String) async throws {
        let workspace = try Workspace()
        let mark = "\(workspace.path)/mark"
        try workspace.compile("", source: Self.marking, as: "mark", flags: ["-DMARK=\"\(mark)\""])
        try workspace.write("isolation: \(level)\n", to: "mark.yaml")
        // Without this one the kernel gives neither Landlock nor a filter to who has no rights.
        try await Rig.with(workspace, without: .noPrivileges) { rig in
            let listing = try #require(rig.host.listings.first)
            let isRefused = listing.reason?.hasPrefix("isolation \(level) cannot be given here: ") == true
            #expect(isRefused == (level != "worker"), "\(listing)")
            #expect((access(mark, F_OK) == 0) == (level == "worker"))
        }
    }

    @Test("only what will be said again is remembered")
    func lasting() {
        func isLasting(_ text: String) -> Bool { SandboxTrial.Outcome.refused(text).isLasting }
        #expect(isLasting("network namespace: unshare: Operation not permitted") && SandboxTrial.Outcome.given("").isLasting)
        for error in [EMFILE, EAGAIN, ENOMEM] { #expect(!isLasting("set-up: fork: \(SystemCall.text(error))")) }
        #expect(!isLasting("it ended without an answer (status 9)"))
    }

    @Test("the doctor says the same as the host does")
    func doctor() throws {
        let report = Doctor.examineNow(try Sandbox.support.get())
        #expect(report.isSandboxAvailable == (Sandbox.refusal == nil))
        let lacks = report.layers.contains { $0.required && !$0.available }
        #expect(lacks == (Sandbox.refusal != nil), "\(report)")
        #expect(report.levels.map(\.level) == IsolationLevel.allCases)
        #expect(report.layers.allSatisfy { !$0.note.isEmpty })
    }

    @Test(
        "a restriction that nothing would enforce is refused",
        arguments: [
            ("worker", "net: none", "net"), ("worker", "net: [\"a.example:1\"]", "net"), ("worker", "read: [/srv]", "read"),
            ("worker", "write: []", "write"), ("worker", "exec: false", "exec"), ("worker", "jit: false", "jit"),
            ("in-process", "memory: 64MiB", "memory"), ("in-process", "pids: 64", "pids"), ("in-process", "output: 1MiB", "output"),
        ]
    )
    func pretence(_ level: String, _ needs: String, _ key: String) async throws {
        let expected = "needs.\(key) cannot be held at isolation \(level); set isolation: sandbox, or leave needs.\(key) out"
        #expect(try await reason("isolation: \(level)\nallowInProcess: true\nneeds: {\(needs)}\n") == expected)
    }

    @Test("what restricts nothing is no pretence")
    func harmless() async throws {
        #expect(try await reason("isolation: worker\nneeds: {net: any, exec: true, jit: true, output: 1GiB}\n") == nil)
    }

    @Test("a worker whose layers fail later says which, and no attempt runs", .enabled(if: Sandbox.refusal == nil))
    func later() async throws {
        let binary = try WorkerBinary(configured: Workspace.worker)
        var isolation = WorkerIsolation(layers: try Sandbox.support.get().layers())
        isolation.user = Sandbox.isRoot ? PluginUsers.probe : nil
        isolation.layers.remove(.controlGroups)
        isolation.grants.read = ["/spindle-is-not-there"]
        let text = "mount namespace: /spindle-is-not-there: No such file or directory"
        #expect(SandboxTrial.run(binary, isolation) == .refused(text))
        isolation.grants.read = []
        guard Sandbox.isRoot else { return }
        isolation.user = 0
        #expect(SandboxTrial.run(binary, isolation) == .refused("user: root is no user for a plugin"))
    }
}
