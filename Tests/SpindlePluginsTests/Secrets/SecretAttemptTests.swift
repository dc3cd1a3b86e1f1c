import FoundationEssentials
import Glibc
import SpindleCore
import Synchronization
import TestSupport
import Testing

@testable import SpindlePlugins

/// Secrets on their way to a plugin, and kept from coming back.
@Suite(.timeLimit(.minutes(10)))
struct SecretAttemptTests {
    private static let own = "canary/own+4711"
    private static let ofConfiguration = "canary/config+0815"

    /// Tells its secrets on every way out there is; the target says on which.
    private static let source = """
        #include <spindle/executor.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/wait.h>
        #include <unistd.h>
        /* The kernel's flags of the pages at an address, and what a child sees there. */
        static int pages(const char *at, size_t len, char *text, size_t size) {
            FILE *maps = fopen("/proc/self/smaps", "re");
            char line[512];
            unsigned long from, to;
            int here = 0, status = 0;
            text[0] = 0;
            while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
                if (sscanf(line, "%lx-%lx ", &from, &to) == 2) here = (unsigned long)at >= from && (unsigned long)at < to;
                if (here && strncmp(line, "VmFlags:", 8) == 0) snprintf(text, size, "%s", line + 8);
            }
            if (maps != NULL) fclose(maps);
            pid_t child = fork();
            if (child == 0) {
                for (size_t i = 0; i < len; i++) if (at[i] != 0) _exit(1);
                _exit(0);
            }
            waitpid(child, &status, 0);
            size_t used = strcspn(text, "\\n");
            snprintf(text + used, size - used, " child %s", status == 0 ? "sees nothing" : "sees it");
            return (int)strlen(text);
        }
        typedef struct { const spindle_host *host; spindle_host_ctx *ctx; spindle_handle handle; } instance;
        static spindle_status make(const spindle_instance_config *c, void **state) {
            instance *made = malloc(sizeof *made);
            *made = (instance){ c->host, c->ctx, c->handle };
            *state = made;
            spindle_str value = { 0 };
            c->host->secret_get(c->ctx, c->handle, SPINDLE_STR("config"), &value);
            c->host->log(c->ctx, c->handle, 2, value, NULL, 0);
            if (strstr(c->config.ptr, "refuse") == NULL) return SPINDLE_OK;
            const spindle_error error = { .struct_size = sizeof error, .outcome = SPINDLE_PERMANENT,
                .code = SPINDLE_STR("leak.create"), .message = value };
            c->host->set_error(c->ctx, c->handle, &error);
            return SPINDLE_E_DENIED;
        }
        static int is(const spindle_request *r, const char *word) { return spindle_str_is(r->target, word); }
        static spindle_status run(void *state, spindle_handle a, const spindle_request *r) {
            (void)state;
            spindle_str own = { 0 }, config = { 0 }, other;
            if (r->host->secret_get(r->ctx, a, SPINDLE_STR("own"), &own) != SPINDLE_OK) own = SPINDLE_STR("no own");
            if (r->host->secret_get(r->ctx, a, SPINDLE_STR("config"), &config) != SPINDLE_OK) config = SPINDLE_STR("no config");
            if (r->host->secret_get(r->ctx, a, SPINDLE_STR("third"), &other) == SPINDLE_OK) return SPINDLE_E_INTERNAL;
            if (is(r, "length")) {
                char text[64];
                int n = snprintf(text, sizeof text, "%zu %zu", own.len, config.len);
                return spindle_succeed(r, spindle_str_make(text, (size_t)n), NULL);
            }
            if (is(r, "pages")) {
                char text[512];
                int n = pages(own.ptr, own.len, text, sizeof text);
                return spindle_succeed(r, spindle_str_make(text, (size_t)n), NULL);
            }
            char both[256];
            int n = snprintf(both, sizeof both, "<%.*s|%.*s>", (int)own.len, own.ptr, (int)config.len, config.ptr);
            spindle_str text = spindle_str_make(both, (size_t)n);
            if (is(r, "log")) {
                const spindle_kv pair = { text, text };
                r->host->log(r->ctx, a, 2, text, &pair, 1);
            }
            if (is(r, "progress")) r->host->progress(r->ctx, a, 1, 2, text);
            if (is(r, "checkpoint")) r->host->checkpoint(r->ctx, a, text);
            if (is(r, "metadata")) r->host->metadata(r->ctx, a, SPINDLE_STR("leak"), text);
            if (is(r, "stdout")) printf("%s\\n", both), fflush(stdout);
            if (is(r, "artefact")) {
                for (int i = 0; i < n; i++) r->host->artefact_write(r->ctx, a, SPINDLE_STR("file"), spindle_str_make(both + i, 1), 0);
                r->host->artefact_write(r->ctx, a, SPINDLE_STR("file"), SPINDLE_STR(""), SPINDLE_ARTEFACT_LAST);
            }
            if (is(r, "crash")) { fprintf(stderr, "%s\\n", both); fflush(stderr); abort(); }
            if (is(r, "error")) {
                const spindle_error error = { .struct_size = sizeof error, .code = SPINDLE_STR("leak"), .message = text,
                    .details = text, .stack_trace = text };
                const spindle_result result = { .struct_size = sizeof result, .outcome = SPINDLE_PERMANENT, .output = text,
                    .content_type = text, .error = &error, .retry_after_ms = -1 };
                return r->host->complete(r->ctx, a, &result), SPINDLE_OK;
            }
            return spindle_succeed(r, is(r, "output") ? text : SPINDLE_STR("done"), NULL);
        }
        static const spindle_executor_descriptor kind = {
            .struct_size = sizeof kind, .type = "leak", .create = make, .execute = run, .flags = 0 };
        static const spindle_executor_descriptor *const kinds[] = { &kind };
        static const spindle_executor_factory factory = { .struct_size = sizeof factory, .executor_count = 1,
            .executors = kinds, .plugin_id = "com.example.leak", .plugin_version = "1.0.0" };
        SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return &factory; }
        """

    private let workspace: Workspace
    private var secrets: String { "\(workspace.path)/secrets" }

    init() throws {
        workspace = try Workspace()
        try workspace.compile("", source: Self.source, as: "leak")
        try #require(mkdir(secrets, 0o700) == 0)
        try keep(Self.own, "own")
        try keep(Self.ofConfiguration, "config")
        try keep("canary/third", "third")
    }

    private func keep(_ value: String, _ name: String) throws {
        let path = "\(secrets)/\(name)"
        unlink(path)
        try Data("\(value)\n".utf8).write(to: URL(filePath: path))
        try #require(chmod(path, 0o400) == 0)
    }

    private func sidecar(_ level: Level, secrets: String = "[own, config]", config: String = "{key: \"secret://config\"}") throws {
        let permission = level == .inProcess ? "allowInProcess: true\n" : ""
        try workspace.write(
            "isolation: \(level.rawValue)\n\(permission)secrets: \(secrets)\nconfig: \(config)\n",
            to: "leak.yaml"
        )
    }

    /// Runs one attempt, and gives all that came out of it as one text.
    private func run(_ rig: Rig, _ target: String, _ parameters: Parameters = ["key": "secret://own"]) async throws -> (
        Rig.Seen, String
    ) {
        let request = rig.request("leak", target, parameters: parameters)
        let seen = try await rig.run(request)
        var text = "\(seen.result.map { "\($0)" } ?? "") \(seen.result?.output?.text ?? "") \(seen.logs) \(seen.progress)"
        text += String(decoding: seen.checkpoint ?? [], as: UTF8.self) + String(decoding: seen.artefact, as: UTF8.self)
        return (seen, text)
    }

    @Test("an attempt gets the secrets of its parameters and its configuration, and no other", arguments: Level.allCases)
    func values(_ level: Level) async throws {
        try sidecar(level)
        try await Rig.with(workspace, secrets: secrets) { rig in
            let (both, _) = try await run(rig, "length")
            #expect(both.result?.output?.text == "\(Self.own.utf8.count) \(Self.ofConfiguration.utf8.count)")
            let (one, _) = try await run(rig, "length", ["key": "plain"])
            #expect(one.result?.output?.text == "6 \(Self.ofConfiguration.utf8.count)")
            let (header, _) = try await run(rig, "length", ["key": "Bearer secret://own"])
            #expect(header.result?.output?.text == both.result?.output?.text)
        }
    }

    @Test("a secret lies in pages that no core file and no child has", arguments: Level.allCases)
    func pages(_ level: Level) async throws {
        try sidecar(level)
        try await Rig.with(workspace, secrets: secrets) { rig in
            let text = try await run(rig, "pages").0.result?.output?.text ?? ""
            #expect(text.contains(" dd") && text.contains(" wf") && text.hasSuffix("child sees nothing"), "\(text)")
            // Other memory has neither: the test can tell.
            let plain = try await run(rig, "pages", ["key": "plain"]).0.result?.output?.text ?? ""
            #expect(!plain.contains(" wf"), "\(plain)")
            // Above a worker it has no child that could see anything.
            if level == .worker || level == .inProcess { #expect(plain.hasSuffix("child sees it"), "\(plain)") }
        }
    }

    @Test("a secret is hidden on every way out, and is not if nothing is to be hidden", arguments: Level.allCases)
    func redaction(_ level: Level) async throws {
        try sidecar(level)
        var ways = ["log", "progress", "checkpoint", "metadata", "artefact", "error", "output"]
        // In the host's own process nothing is captured, and a crash is the host's.
        if level == .worker { ways += ["stdout", "crash"] }
        for isHidden in [true, false] {
            try await Rig.with(workspace, secrets: secrets, isRedacting: isHidden) { rig in
                for way in ways {
                    let (_, text) = try await run(rig, way)
                    for canary in [Self.own, Self.ofConfiguration] {
                        #expect(text.contains(canary) != isHidden, "\(way): \(text)")
                    }
                    #expect(text.contains("<***|***>") == isHidden, "\(way): \(text)")
                }
            }
        }
    }

    @Test("an attempt that refers to what it may not have fails for good before it begins", arguments: Level.allCases)
    func refusals(_ level: Level) async throws {
        try sidecar(level, secrets: "[own, gone]", config: "{}")
        try await Rig.with(workspace, secrets: secrets) { rig in
            for (value, code) in [
                ("secret://third", "spindle.secret.denied"), ("secret://gone", "spindle.secret.missing"),
                ("secret://../own", "spindle.secret.name"),
            ] {
                let (seen, text) = try await run(rig, "output", ["key": value])
                #expect(seen.result?.class == .permanent && seen.result?.errorCode == code, "\(text)")
                #expect(seen.ranOn == nil && seen.hasCodeEnded && !text.contains("canary"))
            }
            try keep("short", "own")
            let (seen, text) = try await run(rig, "output")
            #expect(seen.result?.errorCode == "spindle.secret.unusable" && !text.contains("short"), "\(text)")
        }
    }

    @Test("without a grant a reference is refused, and without a directory there is no secret")
    func nothing() async throws {
        try workspace.write("isolation: worker\n", to: "leak.yaml")
        try await Rig.with(workspace, secrets: secrets) { rig in
            let (denied, _) = try await run(rig, "output")
            #expect(denied.result?.errorCode == "spindle.secret.denied")
            let (plain, _) = try await run(rig, "output", ["key": "a secret"])
            #expect(plain.result?.success == true)
        }
        try sidecar(.worker, config: "{}")
        try await Rig.with(workspace) { rig in
            let (missing, _) = try await run(rig, "output")
            #expect(missing.result?.errorCode == "spindle.secret.missing")
        }
    }

    @Test("a configuration that refers to what is not granted refuses the plugin")
    func configuration() async throws {
        try sidecar(.worker, secrets: "[own]")
        let host = try PluginHost(
            configuration: PluginHostConfiguration(
                directory: workspace.plugins,
                workerPath: Workspace.worker,
                probeTimeout: 60_000_000
            )
        )
        let reason = try await host.load().first?.reason
        await host.stop()
        #expect(reason == "its configuration refers to the secret \"config\", which its sidecar does not grant: secrets: [config]")
    }

    @Test(
        "the reason of a failed create has no secret in it, nor have the lines that belong to no attempt",
        arguments: [true, false]
    )
    func failedCreate(isHidden: Bool) async throws {
        try sidecar(.worker, config: "{key: \"secret://config\", refuse: true}")
        let said = SaidLines()
        try await Rig.with(workspace, secrets: secrets, isRedacting: isHidden, saying: said) { rig in
            let (seen, text) = try await run(rig, "output")
            #expect(seen.result?.success == false && text.contains("***") == isHidden, "\(text)")
            #expect(text.contains("canary") != isHidden, "\(text)")
        }
        // What create logs, and what the host says of its end.
        #expect(said.text.contains("canary") != isHidden && said.text.contains("***") == isHidden, "\(said.text)")
    }

    @Test("a changed secret of the configuration gives new workers; one of parameters is read anew each time")
    func rotation() async throws {
        try sidecar(.worker)
        try await Rig.with(workspace, secrets: secrets) { rig in
            let before = try await run(rig, "length").0
            #expect(try await run(rig, "length").0.ranOn == before.ranOn)
            try keep("canary/longer-than-before-0815", "config")
            let after = try await run(rig, "length").0
            #expect(after.result?.output?.text == "\(Self.own.utf8.count) 30")
            #expect(after.ranOn != before.ranOn)
            try keep("canary/own-changed", "own")
            let last = try await run(rig, "length").0
            #expect(last.result?.output?.text == "18 30" && last.ranOn == after.ranOn)
            // What was replaced is still hidden.
            let (_, text) = try await run(rig, "output")
            #expect(text.contains("<***|***>"), "\(text)")
        }
    }

    @Test("an attempt that is cancelled while its secrets are read ends once", arguments: 0..<20)
    func cancelled(_ turn: Int) async throws {
        try sidecar(.worker, config: "{}")
        try await Rig.with(workspace, secrets: secrets) { rig in
            let request = rig.request("leak", "output", parameters: ["key": "secret://own"])
            try rig.start([request])
            try rig.cancel(request, .user, grace: 60_000_000)
            let seen = await rig.wait(request) { $0.result != nil && $0.hasCodeEnded }
            #expect(seen.result?.class == .cancelled || seen.result?.success == true)
        }
    }
}
