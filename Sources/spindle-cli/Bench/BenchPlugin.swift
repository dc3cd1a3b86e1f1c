import Glibc
import Spindle
import SpindleCore
import SpindlePlugins

/// The plugin `bench` at one level, in a plugin directory of its own beside a link to the operator's file.
struct BenchPlugin {
    private let directory: String
    private let host: PluginHost

    init(level: BenchScenario.Level, slots: Int32, _ configuration: HostConfiguration) throws {
        let places = try HostPlaces(configuration, environment: Host.environment)
        try StateDirectory.prepare(places.state)
        directory = try ScratchStore.makeDirectory(in: places.state)
        guard link(try Self.file(configuration), "\(directory)/bench.so") == 0 else {
            rmdir(directory)
            throw SpindleError(.plugin, "The plugin bench in \(places.plugins) cannot be linked into the state directory.")
        }
        let sidecar = Array("isolation: \(level.rawValue)\nallowInProcess: true\nconcurrency: \(slots)\n".utf8)
        let file = open("\(directory)/bench.yaml", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(file) }
        guard write(file, sidecar, sidecar.count) == sidecar.count else {
            throw SpindleError(.configuration, "The directory \(directory) cannot be written.")
        }
        host = try PluginHost(configuration: try Self.hostConfiguration(directory, configuration))
    }

    /// Where the operator's file is.
    static func file(_ configuration: HostConfiguration) throws -> String {
        let path = "\(try HostPlaces(configuration, environment: Host.environment).plugins)/bench.so"
        guard access(path, R_OK) == 0 else {
            throw SpindleError(.plugin, "There is no \(path); add it with \"spindle plugins add FILE --as bench\".")
        }
        return path
    }

    static func hostConfiguration(
        _ directory: String?,
        _ configuration: HostConfiguration
    ) throws -> PluginHostConfiguration {
        PluginHostConfiguration(
            directory: directory,
            stateDirectory: try HostPlaces(configuration, environment: Host.environment).state,
            workerPath: configuration.workerPath,
            probeTimeout: configuration.probeTimeout,
            reservedTypes: ["internal"],
            hostVersion: SpindleVersion.text,
            logger: .quiet
        )
    }

    /// Loads the plugin, runs the body with one of its executors, and ends its workers.
    ///
    /// - Returns: What the body gave, and the CPU microseconds of the workers.
    func with<Value: Sendable>(
        _ type: String,
        _ body: (any BatchExecutor) async throws -> Value
    ) async throws -> (value: Value, workerCPU: Int64) {
        defer {
            for name in ["bench.so", "bench.yaml"] { unlink("\(directory)/\(name)") }
            rmdir(directory)
        }
        let before = BenchRun.cpuMicroseconds(RUSAGE_CHILDREN)
        let listing = try await host.load().first
        guard let executor = host.executors.first(where: { $0.executorType == type }) else {
            throw SpindleError(.plugin, "The plugin bench is not used: \(listing?.reason ?? "it has no executor \(type)")")
        }
        let result: Result<Value, any Error>
        do { result = .success(try await body(executor)) } catch { result = .failure(error) }
        // A worker's CPU time is known when it has ended.
        await host.stop()
        return (try result.get(), BenchRun.cpuMicroseconds(RUSAGE_CHILDREN) - before)
    }
}
