import SpindleCore
import Testing

@testable import SpindlePlugins

/// What loading a plugin changes of its process.
@Suite(.timeLimit(.minutes(5)))
struct HygieneTests {
    private let workspace: Workspace

    init() throws { workspace = try Workspace() }

    /// Compiles a plugin whose constructor and `init` do something.
    private func compile(load: String = "", start: String = "", as name: String = "rude") throws {
        let source = """
            #include <spindle/executor.h>
            #include <locale.h>
            #include <pthread.h>
            #include <signal.h>
            #include <stdlib.h>
            #include <sys/prctl.h>
            #include <sys/resource.h>
            #include <sys/stat.h>
            #include <sys/time.h>
            #include <unistd.h>
            static spindle_status run(void *i, spindle_handle a, const spindle_request *r) {
                (void)i; (void)a; return spindle_succeed(r, SPINDLE_STR("ran"), NULL); }
            static void nothing(int number) { (void)number; }
            static void *wait_long(void *unused) { for (;;) pause(); return unused; }
            __attribute__((constructor)) static void begin(void) { (void)nothing; (void)wait_long; \(load) }
            static spindle_status start(const spindle_host *host, spindle_host_ctx *ctx) { (void)host; (void)ctx; \(start) return SPINDLE_OK; }
            static const spindle_executor_descriptor kind = { .struct_size = sizeof kind, .type = "\(name)", .execute = run };
            static const spindle_executor_descriptor *const kinds[] = { &kind };
            static const spindle_executor_factory factory = { .struct_size = sizeof factory, .executor_count = 1, .executors = kinds,
                .plugin_id = "com.example.rude", .plugin_version = "1.0.0", .init = start };
            SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return &factory; }
            """
        try workspace.compile("", source: source, as: name, flags: ["-D_GNU_SOURCE"])
    }

    private func listing(refuses: Bool = false) async throws -> PluginListing {
        var configuration = PluginHostConfiguration(
            directory: workspace.plugins,
            workerPath: Workspace.worker,
            probeTimeout: 60_000_000
        )
        configuration.refusesChanges = refuses
        let host = try PluginHost(configuration: configuration)
        let listings = try await host.load()
        await host.stop()
        return try #require(listings.first { $0.file == "rude.so" })
    }

    @Test(
        "each change of the process is seen, and nothing else",
        arguments: [
            ("", []),
            ("signal(SIGSEGV, nothing);", ["signal:SIGSEGV"]),
            ("signal(SIGPIPE, SIG_IGN); signal(SIGUSR1, nothing);", ["signal:SIGUSR1", "signal:SIGPIPE"]),
            ("sigset_t s; sigfillset(&s); sigprocmask(SIG_BLOCK, &s, NULL);", ["signalMask"]),
            ("if (chdir(\"/proc\") != 0) abort();", ["directory"]),
            ("umask(0123);", ["umask"]),
            (
                "setenv(\"TZ\", \"UTC\", 1); unsetenv(\"LANG\"); setenv(\"PATH\", \"/\", 1);",
                ["environment:LANG", "environment:PATH", "environment:TZ"]
            ),
            ("setlocale(LC_ALL, \"C.UTF-8\");", ["locale"]),
            ("struct rlimit l = { 100, 4096 }; setrlimit(RLIMIT_NOFILE, &l);", ["limit:NOFILE"]),
            ("struct itimerval t = { { 0, 0 }, { 1000, 0 } }; setitimer(ITIMER_VIRTUAL, &t, NULL);", ["timer"]),
            ("pthread_t t; pthread_create(&t, NULL, wait_long, NULL); pthread_create(&t, NULL, wait_long, NULL);", ["threads:+2"]),
            ("if (dup(1) < 0) abort();", ["descriptors:+1"]),
        ] as [(String, [String])]
    )
    func seen(_ code: String, _ expected: [String]) async throws {
        try compile(load: code)
        let listing = try await listing()
        #expect(listing.status == .serving)
        #expect(listing.manifest?.loadChanges.sorted() == expected.sorted())
        // Its `init` is not called only to look at it.
        #expect(listing.manifest?.initChanges == nil)
    }

    /// In a sandbox both are as this wants them before the plugin is there, so they are looked for where it would matter.
    @Test(
        "what a sandbox does itself is seen where there is none",
        arguments: [
            ("prctl(PR_SET_DUMPABLE, 0);", "process:dumpable"),
            ("prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);", "process:noNewPrivileges"),
        ]
    )
    func seenWithoutSandbox(_ code: String, _ expected: String) async throws {
        try compile(load: code)
        try workspace.write("isolation: in-process\nallowInProcess: true\nallowChanges: [process]\n", to: "rude.yaml")
        #expect(try await listing().manifest?.loadChanges == [expected])
    }

    @Test("in the host what hurts others is refused, also if only init does it; in a worker it is shown", arguments: [true, false])
    func inHost(_ isLoad: Bool) async throws {
        let code = "signal(SIGTERM, nothing);"
        try compile(load: isLoad ? code : "", start: isLoad ? "" : code)
        #expect(try await listing().status == .serving)
        try workspace.write("isolation: in-process\nallowInProcess: true\n", to: "rude.yaml")
        let refused = try await listing()
        #expect(
            refused.reason
                == "loading it changes what its whole process shares: signal:SIGTERM; allowChanges in its sidecar allows that"
        )
        if case .refused = refused.status {} else { Issue.record("\(refused.status)") }
    }

    @Test("what the sidecar allows is allowed; threads hurt nobody", arguments: ["signal", "signal:SIGUSR2"])
    func allowed(_ change: String) async throws {
        try compile(load: "signal(SIGUSR2, SIG_IGN); pthread_t t; pthread_create(&t, NULL, wait_long, NULL);")
        try workspace.write("isolation: worker\nallowChanges: [\(change)]\n", to: "rude.yaml")
        #expect(try await listing(refuses: true).reason?.contains(": threads:+1;") == true)
        try workspace.write("isolation: worker\nallowChanges: [\(change), threads]\n", to: "rude.yaml")
        #expect(try await listing(refuses: true).status == .serving)
        let manifest = try #require(try await listing().manifest)
        var sidecar = Sidecar()
        sidecar.isolation = .inProcess
        #expect(throws: PluginRefusal.self) { try HygienePolicy().check(manifest, sidecar) }
        sidecar.allowedChanges = [change]
        try HygienePolicy().check(manifest, sidecar)
        sidecar.allowedChanges = ["signal:SIGUSR1"]
        #expect(throws: PluginRefusal.self) { try HygienePolicy().check(manifest, sidecar) }
    }
}
