import SpindleCore
import Testing

@testable import SpindlePlugins

@Suite("Artefacts that nobody has written yet", .timeLimit(.minutes(10)))
struct ArtefactRoomTests {
    /// Writes 200 pieces of 64 KiB, and waits to be told whenever there is no room.
    private static let source = """
        #include <pthread.h>
        #include <spindle/executor.h>
        static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
        static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
        static int room;
        static spindle_status run(void *state, spindle_handle a, const spindle_request *r) {
            static char piece[65536];
            (void)state;
            for (int i = 0; i < 200;) {
                spindle_status status = r->host->artefact_write(r->ctx, a, SPINDLE_STR("file"),
                    spindle_str_make(piece, sizeof piece), i == 199 ? SPINDLE_ARTEFACT_LAST : 0);
                if (status == SPINDLE_OK) { i++; continue; }
                if (status != SPINDLE_AGAIN) return status;
                r->host->log(r->ctx, a, SPINDLE_LOG_INFO, SPINDLE_STR("no room"), NULL, 0);
                pthread_mutex_lock(&lock);
                while (!room) pthread_cond_wait(&changed, &lock);
                room = 0;
                pthread_mutex_unlock(&lock);
            }
            return spindle_succeed(r, SPINDLE_STR("done"), NULL);
        }
        static void writable(void *instance, spindle_handle a, void *state) {
            (void)instance, (void)a, (void)state;
            pthread_mutex_lock(&lock);
            room = 1;
            pthread_cond_signal(&changed);
            pthread_mutex_unlock(&lock);
        }
        static const spindle_executor_descriptor kind = {
            .struct_size = sizeof kind, .type = "files", .execute = run, .writable = writable };
        static const spindle_executor_descriptor *const kinds[] = { &kind };
        static const spindle_executor_factory factory = { .struct_size = sizeof factory, .executor_count = 1,
            .executors = kinds, .plugin_id = "com.example.files", .plugin_version = "1.0.0" };
        SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return &factory; }
        """

    @Test("wait in the plugin, not in the host", arguments: [Level.worker, .inProcess])
    func room(_ level: Level) async throws {
        let workspace = try Workspace()
        try workspace.compile("", source: Self.source, as: "files")
        let permission = level == .inProcess ? "allowInProcess: true\n" : ""
        try workspace.write("isolation: \(level.rawValue)\n\(permission)", to: "files.yaml")
        try await Rig.with(workspace) { rig in
            rig.holdReceipts()
            let request = rig.request("files", "")
            try rig.start([request])
            let full = await rig.wait(request) { seen in seen.logs.contains { $0.message == "no room" } }
            #expect((512 * 1024...1024 * 1024).contains(full.artefact.count), "\(full.artefact.count)")
            rig.letGoOfReceipts()
            let end = await rig.wait(request) { $0.result != nil && $0.hasCodeEnded }
            #expect(end.result?.class == .success && end.artefact.count == 200 * 65536)
        }
    }
}
