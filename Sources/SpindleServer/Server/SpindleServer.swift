import Hummingbird
public import Logging
import NIOCore
public import ServiceLifecycle
public import SpindleCore
public import SpindleEngine
import Synchronization

/// The REST API of one host: everything under `/v1`, and the two health checks.
///
/// A `Service`: it listens while ``run()`` runs. On graceful shutdown it takes no new connections, ends the log streams and the waits, and
/// lets other requests end. Start it after the engine, so that it stops before.
public struct SpindleServer: Service {
    private let api: API
    private let settings: ServerSettings
    private let logger: Logger
    private let onListening: @Sendable () async -> Void

    /// Describes a server; nothing is opened before ``run()``.
    ///
    /// - Parameters:
    ///   - engine: Does the work.
    ///   - plugins: Tells of the plugin directory.
    ///   - settings: Where to listen, and bounds.
    ///   - clock: Times long polls and delays.
    ///   - logger: Requests are logged at `debug`.
    ///   - onListening: Called once connections are accepted.
    public init(
        engine: JobExecutionEngine,
        plugins: any PluginDirectoryView = NoPlugins(),
        settings: ServerSettings,
        clock: any AlarmClock = SystemAlarmClock(),
        logger: Logger = Logger(label: "spindle.server"),
        onListening: @escaping @Sendable () async -> Void = {}
    ) {
        api = API(engine: engine, plugins: plugins, clock: clock, settings: settings, logger: logger)
        self.settings = settings
        self.logger = logger
        self.onListening = onListening
    }

    /// Listens until graceful shutdown or cancellation.
    ///
    /// - Throws: `configuration` if the socket cannot be made; `conflict` if another host listens there.
    public func run() async throws {
        let file: SocketFile
        switch settings.address {
        case .unixSocket(let path): file = try SocketFile(path: path)
        }
        defer { file.remove() }
        let failure = Mutex<SpindleError?>(nil)
        // The framework tells of its own start and stop at `info`, with the temporary path; we say it ourselves.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let application = Application(
            responder: APIResponder(api: api, logger: logger),
            configuration: ApplicationConfiguration(address: .unixDomainSocket(path: file.bindPath)),
            onServerRunning: { [logger, onListening] channel in
                do throws(SpindleError) {
                    try file.publish()
                    logger.info("listening at \(file.path)")
                    await onListening()
                } catch {
                    failure.withLock { $0 = error }
                    channel.close(promise: nil)
                }
            },
            logger: quiet
        )
        do {
            try await runGracefully(application, logger: quiet)
        } catch {
            throw failure.withLock { $0 } ?? error
        }
    }

    /// Runs a service so that cancellation, too, shuts it down gracefully: NIO ends the process if the task that serves is cancelled
    /// while a connection is on its way to it. After that nothing more comes, and requests that do not end are cut off: a client that
    /// says half of one must not keep the host.
    private func runGracefully(_ service: any Service, logger: Logger) async throws {
        let only = ServiceGroupConfiguration.ServiceConfiguration(
            service: service,
            successTerminationBehavior: .gracefullyShutdownGroup
        )
        let group = ServiceGroup(configuration: .init(services: [only], logger: logger))
        let work = Task { try await group.run() }
        let end: @Sendable () -> Void = { [clock = api.clock, settings] in
            Task {
                await group.triggerGracefulShutdown()
                await clock.sleep(microseconds: settings.patience)
                work.cancel()
            }
        }
        try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await work.value
            } onGracefulShutdown: {
                end()
            }
        } onCancel: {
            end()
        }
    }

    /// Listens until `stop` returns, and then shuts down gracefully: for programs and tests without a service group of their own.
    package func run(untilStopped stop: @escaping @Sendable () async throws -> Void) async throws {
        let services = ServiceGroup(services: [self], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            group.addTask {
                try await stop()
                await services.triggerGracefulShutdown()
            }
            // Not `waitForAll`: it would wait for `stop` although the server has failed.
            for try await _ in group {}
        }
    }
}
