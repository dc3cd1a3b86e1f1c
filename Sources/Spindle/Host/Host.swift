import Glibc
public import Logging
public import ServiceLifecycle
public import SpindleCore
public import SpindleEngine
public import SpindlePlugins
import SpindleSQLite
import SpindleServer
import Synchronization

/// A whole Spindle in one object: store, plugins, engine, and the socket for local commands.
///
/// Made, then run as a service (or in a task) for as long as it is wanted; `serve`, `run` and every other command use the same.
public final class Host: Service {
    /// What a host is opened for.
    package enum Purpose: Hashable, Sendable {
        /// To run executions.
        case serving
        /// To accept executions and changes that another start will run; holds the store's lock.
        case accepting
        /// To answer questions; takes no lock and changes nothing.
        case reading
    }

    /// Runs the executions.
    public let engine: JobExecutionEngine
    /// Where everything lies.
    public let places: HostPlaces
    /// What became of each file of the plugin directory.
    public var plugins: [PluginListing] { pluginHost?.listings ?? [] }
    /// Swift jobs compiled into this program.
    private let internalJobs = InternalJobExecutor()
    private let hasInternalJobs = Mutex(false)
    private let pluginHost: PluginHost?
    private let stores: HostStores
    private let server: SpindleServer
    private let logger: Logger
    /// Whether plugins may hand over jobs: not to the host of one command, and not to one that keeps them in memory only.
    private let triggersMayRun: Bool

    /// Opens the store for this host, and finds and checks the plugins. Nothing runs before ``run()``.
    ///
    /// - Parameters:
    ///   - configuration: What was set.
    ///   - environment: Asked for the state directory if that was not set.
    ///   - logger: What the host has to say.
    ///   - onListening: Called once local commands can come.
    /// - Throws: `configuration`; `storeUnavailable` if another host has the store.
    public convenience init(
        _ configuration: HostConfiguration,
        environment: [String: String] = Host.environment,
        logger: Logger = Logger(label: "spindle"),
        onListening: @escaping @Sendable () async -> Void = {}
    ) async throws {
        try await self.init(
            configuration,
            purpose: .serving,
            environment: environment,
            logger: logger,
            onListening: onListening
        )
    }

    /// - Parameters:
    ///   - purpose: What for.
    ///   - usesPlugins: Whether plugins are looked for; commands that route nothing need none.
    ///   - isPrivate: Whether it is the host of one command.
    package init(
        _ configuration: HostConfiguration,
        purpose: Purpose,
        usesPlugins: Bool = true,
        isPrivate: Bool = false,
        environment: [String: String],
        logger: Logger,
        onListening: @escaping @Sendable () async -> Void
    ) async throws {
        self.logger = logger
        places = try HostPlaces(configuration, environment: environment)
        triggersMayRun = purpose == .serving && !isPrivate && places.store != .memory
        if places.store != .memory && purpose != .reading { try StateDirectory.prepare(places.state) }
        stores = try HostStores(places, readOnly: purpose == .reading, logger: logger)
        pluginHost = usesPlugins ? try Self.pluginHost(configuration, places, environment, logger) : nil
        try await pluginHost?.load()
        var settings = configuration.engine
        // Without a slot nothing is ever claimed: what is accepted waits for a host.
        if purpose != .serving { settings.maxConcurrentJobs = 0 }
        engine = try await JobExecutionEngine.open(
            store: stores.jobs,
            executors: pluginHost?.executors ?? [],
            logs: stores.logs,
            artefacts: stores.artefacts,
            configuration: settings,
            logger: logger
        )
        server = SpindleServer(
            engine: engine,
            plugins: PluginView(host: pluginHost),
            settings: ServerSettings(address: .unixSocket(places.socket), version: SpindleVersion.text),
            logger: logger,
            onListening: onListening
        )
    }

    private static func pluginHost(
        _ configuration: HostConfiguration,
        _ places: HostPlaces,
        _ environment: [String: String],
        _ logger: Logger
    ) throws(SpindleError) -> PluginHost {
        let hasState = (try? StateDirectory.prepare(places.state)) != nil
        var settings = PluginHostConfiguration(
            directory: places.plugins,
            stateDirectory: hasState ? places.state : nil,
            workerPath: configuration.workerPath,
            probeTimeout: configuration.probeTimeout,
            cancelGrace: configuration.engine.cancelGrace,
            reload: configuration.reload,
            reservedTypes: ["internal"],
            trust: configuration.pluginTrust,
            hostVersion: SpindleVersion.text,
            logger: logger
        )
        // The usual directory need not be there; one that was asked for must be.
        settings.mayBeMissing = configuration.pluginDirectory == nil
        settings.refusesChanges = configuration.hygiene == .refuse
        settings.quarantineAfter = configuration.quarantineAfter
        settings.quarantineWindow = configuration.quarantineWindow
        settings.isRedacting = configuration.isRedacting
        if let directory = configuration.secretsDirectory {
            settings.secretsDirectory = directory
        } else if let directory = environment["CREDENTIALS_DIRECTORY"], !directory.isEmpty {
            settings.secretsDirectory = directory
            settings.hasSystemdCredentials = true
        }
        return try PluginHost(configuration: settings)
    }

    /// Runs executions and answers local commands until graceful shutdown or cancellation; then drains and closes the store.
    ///
    /// Commands are answered until the drain is over: new work is refused then, but what still runs can be seen, followed and cancelled.
    ///
    /// - Throws: What ended it before its time.
    public func run() async throws {
        // The plugins outlive the drain: attempts that may still end need them.
        let plugins = Task { [pluginHost, engine, triggersMayRun] in
            await pluginHost?.run(serving: engine, submittingTo: triggersMayRun ? engine : nil)
        }
        let drained = Gate()
        // Detached: a task below this one would hear of the shutdown itself, and stop at once.
        let serving = Task.detached { [server] in
            try await server.run(untilStopped: {
                await withTaskCancellationHandler {
                    await drained.wait()
                } onCancel: {
                    drained.open()
                }
            })
        }
        var failure: (any Error)?
        await withTaskGroup(of: (any Error)?.self) { group in
            group.addTask { [engine] in
                defer { drained.open() }
                return await Self.failure { try await engine.run() }
            }
            group.addTask { await Self.failure { try await serving.value } }
            group.addTask { [pluginHost] in
                // First of all: what comes now would only be given back.
                await Self.untilToldToEnd()
                await pluginHost?.restTriggers()
                return nil
            }
            // The end of one is the end of both.
            for await ended in group {
                failure = failure ?? ended
                group.cancelAll()
            }
        }
        plugins.cancel()
        _ = await plugins.result
        stores.close(logger)
        if let failure { throw failure }
    }

    private static func untilToldToEnd() async {
        let told = Gate()
        await withTaskCancellationOrGracefulShutdownHandler {
            await told.wait()
        } onCancelOrGracefulShutdown: {
            told.open()
        }
    }

    private static func failure(of body: () async throws -> Void) async -> (any Error)? {
        do {
            try await body()
            return nil
        } catch {
            return error is CancellationError ? nil : error
        }
    }

    /// The variables of this process.
    public static var environment: [String: String] {
        var result: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { result[String(parts[0])] = String(parts[1]) }
            entry += 1
        }
        return result
    }

    /// Prepares the process: writing to a closed pipe is an error and no signal, and as many files may be open as the system allows.
    public static func prepareProcess() {
        signal(SIGPIPE, SIG_IGN)
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

// MARK: For embedding programs

extension Host {
    /// Registers a job written in Swift; submissions name it by type `internal` and target ``ScheduledJob/jobName``.
    ///
    /// - Parameters:
    ///   - type: The job type.
    ///   - services: What the factory gets injected.
    ///   - make: Makes a fresh job for each execution. Any thread.
    public func register<J: ScheduledJob, Services: Sendable>(
        _ type: J.Type,
        services: Services,
        _ make: @escaping @Sendable (Services) throws -> J
    ) {
        internalJobs.register(type, services: services, make)
        serveInternalJobs()
    }

    /// Registers a job written in Swift that needs no services.
    public func register<J: ScheduledJob>(_ type: J.Type, _ make: @escaping @Sendable () throws -> J) {
        internalJobs.register(type, make)
        serveInternalJobs()
    }

    /// Only a program with such jobs has the type `internal`.
    private func serveInternalJobs() {
        let isFirst = hasInternalJobs.withLock { known in
            defer { known = true }
            return !known
        }
        if isFirst { engine.register(internalJobs) }
    }

    /// Runs a stored job once and waits for its end, through all retries. Cancelling the task cancels the execution.
    ///
    /// - Throws: As ``JobExecutionEngine/execute(jobID:parameters:)``.
    public func execute(jobID: JobID, parameters: Parameters = Parameters()) async throws -> ExecutionResult {
        try await engine.execute(jobID: jobID, parameters: parameters)
    }

    /// Accepts an execution: when this returns it is committed and durable.
    @discardableResult
    public func submit(_ submission: Submission) async throws -> SubmissionReceipt { try await engine.submit(submission) }

    /// Waits until an execution has ended.
    public func wait(for id: ExecutionID) async throws -> ExecutionEnd { try await engine.wait(for: id) }

    /// Asks for the end of an execution.
    @discardableResult
    public func cancel(_ id: ExecutionID) async throws -> CancelReceipt { try await engine.cancel(id) }
}

/// The version of this build.
public enum SpindleVersion {
    /// Semantic version.
    public static let text = "0.1.0"
}
