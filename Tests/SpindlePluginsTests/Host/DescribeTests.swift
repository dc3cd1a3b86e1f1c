import SpindleCore
import Testing

@testable import SpindlePlugins

@Suite("Executors that are described by their configuration", .timeLimit(.minutes(10)))
struct DescribeTests {
    /// Is asked what it is for each instance: what stands in its configuration is the prefix of its targets.
    private static let source = """
        #include <stdlib.h>
        #include <string.h>
        #include <spindle/executor.h>
        static spindle_status run(void *state, spindle_handle a, const spindle_request *r) {
            (void)state, (void)a;
            return spindle_succeed(r, r->type, NULL);
        }
        static spindle_status describe(const spindle_instance_config *config, const spindle_describe_sink *sink) {
            static char prefix[64];
            const char *const prefixes[] = { prefix };
            const char *from = memchr(config->config.ptr, ':', config->config.len);
            if (from == NULL) return SPINDLE_E_CONFIG;
            from = strchr(from, '"') + 1;
            memcpy(prefix, from, (size_t)(strchr(from, '"') - from));
            prefix[strchr(from, '"') - from] = 0;
            const spindle_executor_descriptor found = {
                .struct_size = sizeof found, .target_prefixes = prefixes, .target_prefix_count = 1 };
            return sink->put(sink->sink, &found);
        }
        static const spindle_executor_descriptor kind = {
            .struct_size = sizeof kind, .type = "described", .execute = run, .describe = describe };
        static const spindle_executor_descriptor *const kinds[] = { &kind };
        static const spindle_executor_factory factory = { .struct_size = sizeof factory, .executor_count = 1,
            .executors = kinds, .plugin_id = "com.example.described", .plugin_version = "1.0.0" };
        SPINDLE_EXPORT const spindle_executor_factory *spindle_executor_factory_v1(void) { return &factory; }
        """

    @Test(
        "each instance is, wherever its configuration stands",
        arguments: [
            ("config: {prefix: \"one:\"}", ["described": ["one:"]]),
            (
                "executors: [{type: a, uses: described, config: {prefix: \"a:\"}}, {type: b, uses: described, config: {prefix: \"b:\"}}]",
                ["a": ["a:"], "b": ["b:"]]
            ),
            ("config: {prefix: \"all:\"}\nexecutors: [{type: a, uses: described}]", ["a": ["all:"]]),
            ("concurrency: 1", ["described": []]),
        ]
    )
    func prefixes(_ sidecar: String, _ expected: [String: [String]]) async throws {
        let workspace = try Workspace()
        try workspace.compile("", source: Self.source, as: "described")
        try workspace.write(sidecar, to: "described.yaml")
        try await Rig.with(workspace) { rig in
            #expect(rig.executors.mapValues(\.descriptor.targetPrefixes) == expected)
        }
    }
}
