import Glibc
import Spindle
import SpindleCore
import SpindlePlugins

/// The plugin `bench` at one level, in a plugin directory of its own beside a copy of the operator's file.
struct BenchPlugin {
    private let directory: String
    private let host: PluginHost

    init(level: BenchScenario.Level, slots: Int32, _ configuration: HostConfiguration) throws {
        let places = try HostPlaces(configuration, environment: Host.environment)
        var template = Array("\(places.state)/bench-XXXXXX".utf8CString)
        try StateDirectory.prepare(places.state)
        guard mkdtemp(&template) != nil else {
            throw SpindleError(.configuration, "The state directory \(places.state) cannot be written.")
        }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard link("\(places.plugins)/bench.so", "\(directory)/bench.so") == 0 else {
            rmdir(directory)
            throw SpindleError(
                .plugin,
                "There is no plugin bench in \(places.plugins); add it with \"spindle plugins add FILE --as bench\"."
            )
        }
        let sidecar = Array("isolation: \(level.rawValue)\nconcurrency: \(slots)\n".utf8)
        let file = open("\(directory)/bench.yaml", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(file) }
        guard write(file, sidecar, sidecar.count) == sidecar.count else {
            throw SpindleError(.configuration, "The directory \(directory) cannot be written.")
        }
        host = try PluginHost(
            configuration: PluginHostConfiguration(
                directory: directory,
                stateDirectory: places.state,
                workerPath: configuration.workerPath,
                probeTimeout: configuration.probeTimeout,
                reservedTypes: ["internal"],
                hostVersion: SpindleVersion.text,
                logger: .quiet
            )
        )
    }

    /// Loads the plugin, runs the body with its executor `bench.async`, and ends its workers.
    func with(_ body: (any BatchExecutor) async throws -> BenchFigures) async throws -> BenchFigures {
        defer {
            for name in ["bench.so", "bench.yaml"] { unlink("\(directory)/\(name)") }
            rmdir(directory)
        }
        let listing = try await host.load().first
        guard let executor = host.executors.first(where: { $0.executorType == "bench.async" }) else {
            throw SpindleError(.plugin, "The plugin bench is not used: \(listing?.reason ?? "it has no executor bench.async")")
        }
        let running = Task { try await host.run() }
        defer { running.cancel() }
        return try await body(executor)
    }
}
