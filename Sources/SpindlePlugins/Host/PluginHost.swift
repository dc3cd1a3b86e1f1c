import Glibc
public import SpindleCore
import Synchronization

/// The plugins of a host: finds them, checks them, and gives their executors.
///
/// ``load()`` once, then hand ``executors`` to the engine and run ``run(serving:)`` beside it: it takes up what changes in the directory.
public final class PluginHost: Sendable {
    struct State {
        /// What became of each file, in the order of the names.
        var listings: [PluginListing] = []
        /// What serves, by its file.
        var generations: [String: PluginGeneration] = [:]
        /// Executors that serve no longer, or do not yet, and have not stopped.
        var others: [PluginExecutor] = []
        /// Who takes what triggers hand over; nil while they do not run.
        var taker: (any SubmissionTaker)?
        /// No trigger begins any more.
        var triggersRest = false
        /// Files whose code was loaded into this process.
        var resident: Set<String> = []
        /// The end has begun.
        var isStopping = false
        /// The user of each plugin whose workers get one, by its name; kept, so that no other ever gets the files of one that was removed.
        var users: [String: UInt32] = [:]
        var isLoaded = false
        /// ``PluginHost/run(serving:)`` takes up changes.
        var isReloading = false
    }

    let configuration: PluginHostConfiguration
    let services: PluginServices
    let facts: PluginFacts
    let quarantines: QuarantineFile
    let state = Mutex(State())
    let reloadRequests = AsyncStream<PluginReloader.Request>.makeStream()

    /// Finds the worker program and starts the host's own threads; loads nothing yet.
    ///
    /// - Throws: ``SpindleError`` if there is no worker program.
    public init(configuration: PluginHostConfiguration) throws(SpindleError) {
        self.configuration = configuration
        Self.allowManyFiles()
        let binary = try WorkerBinary(configured: configuration.workerPath)
        let loop = try HostLoop(clock: configuration.clock)
        services = PluginServices(
            loop: loop,
            spawner: try Spawner(binary: binary),
            clock: configuration.clock,
            logger: configuration.logger,
            hostVersion: configuration.hostVersion,
            sandbox: SandboxSupport(binary: binary, without: configuration.withoutLayers)
        )
        facts = PluginFacts(stateDirectory: configuration.stateDirectory)
        quarantines = QuarantineFile(
            stateDirectory: configuration.breaker.crashes > 0 ? configuration.stateDirectory : nil,
            logger: configuration.logger
        )
    }

    /// Each worker takes a few descriptors, and an image in the host's process keeps one for ever.
    private static func allowManyFiles() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        // If it is not allowed, less must do.
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    deinit {
        services.spawner.stop()
        services.loop.stop()
    }

    /// The executors of all plugins that serve.
    public var executors: [any BatchExecutor] {
        state.withLock { state in state.listings.flatMap { state.generations[$0.file]?.executors ?? [] } }
    }

    /// All files of the directory, with what became of each.
    public var listings: [PluginListing] {
        let (listings, generations) = state.withLock { ($0.listings, $0.generations) }
        return listings.map { listing in
            guard listing.status == .serving else { return listing }
            var listing = listing
            let own = generations[listing.file]?.executors ?? []
            if let reason = own.compactMap(\.restartReason).first {
                listing.status = .restartNeeded(reason)
            } else if let quarantine = generations[listing.file]?.supervisor?.quarantine {
                listing.status = .quarantined(quarantine.reason)
            }
            return listing
        }
    }

    /// Reads the directory: checks each file, has each plugin described in a throw-away process, and makes executors.
    ///
    /// A bad file never stops the others: it is listed with its reason. A second call changes nothing.
    @discardableResult
    public func load() async throws -> [PluginListing] {
        guard state.withLock({ !$0.isLoaded }), configuration.directory != nil else { return listings }
        let made = await make(try await scan(), owners: reservedOwners)
        state.withLock { state in
            state.listings = made.map(\.listing)
            for item in made {
                state.generations[item.listing.file] = item.generation
                if item.generation?.isInProcess == true { state.resident.insert(item.listing.file) }
            }
            state.isLoaded = true
        }
        // With what was kept of the host's last run.
        return self.listings
    }

    /// Takes up what changes in the directory until the task is cancelled, then ends all attempts and workers, within their grace.
    ///
    /// - Parameters:
    ///   - registry: Where ``executors`` serve; nil leaves everything as ``load()`` found it.
    ///   - taker: Who takes what the plugins' triggers hand over, and answers once it is durable; nil lets them rest.
    public func run(serving registry: (any ExecutorRegistry)?, submittingTo taker: (any SubmissionTaker)? = nil) async {
        beginTriggers(submittingTo: taker)
        let reloader = configuration.directory.flatMap { directory in
            registry.map { PluginReloader(host: self, directory: directory, registry: $0) }
        }
        if reloader != nil { state.withLock { $0.isReloading = true } }
        async let reloading: Void? = reloader?.run()
        await Suspension.untilCancelled()
        reloadRequests.continuation.finish()
        await restTriggers()
        // What is under way comes to its end with what it waits for, on the loop that it needs.
        await endExecutors()
        _ = await reloading
        await stop()
    }

    /// Looks at the directory now, and takes up what has changed; versions that were taken back are tried again.
    ///
    /// - Returns: What became of each file.
    /// - Throws: ``SpindleError`` if the directory cannot be used, or the host stops. While nobody runs ``run(serving:)`` it waits.
    public func reload() async throws -> [PluginListing] {
        try await withCheckedThrowingContinuation { continuation in
            let reply = ReloadReply(continuation)
            switch reloadRequests.continuation.yield(.look(reply)) {
            case .enqueued: break
            default: reply.give(.failure(SpindleError(.draining, "The plugin host has stopped.")))
            }
        }
    }

    /// Lifts the quarantine of a plugin: its waiting work runs again.
    ///
    /// - Parameter name: Of its file, with or without `.so`.
    /// - Throws: `notFound` if there is no such plugin; `conflict` if it is not quarantined.
    public func release(_ name: String) async throws {
        let plugin = name.hasSuffix(".so") ? String(name.dropLast(3)) : name
        let (listings, generation) = state.withLock { ($0.listings, $0.generations["\(plugin).so"]) }
        guard listings.contains(where: { $0.file == "\(plugin).so" }) else {
            throw SpindleError(.notFound, "There is no plugin \"\(plugin.prefix(128))\".")
        }
        let supervisor = generation?.supervisor
        let wasReleased = try await Blocking.run { [quarantines] in
            // Also other versions of it, which were taken back.
            let wereOthers = quarantines.release(file: "\(plugin).so")
            return (supervisor?.release() ?? false) || wereOthers
        }
        reloadRequests.continuation.yield(.released("\(plugin).so"))
        guard wasReleased else {
            throw SpindleError(.conflict, "The plugin \"\(plugin)\" is not quarantined; there is nothing to release.")
        }
    }

    /// Ends all attempts and workers. The host cannot be used afterwards.
    public func stop() async {
        reloadRequests.continuation.finish()
        // Nobody else will: what waits is answered when it is dropped.
        if state.withLock({ !$0.isReloading }) { for await _ in reloadRequests.stream {} }
        await restTriggers()
        let executors = await endExecutors()
        for executor in executors { executor.finish() }
        services.spawner.stop()
        services.loop.stop()
        // What was decided last must be there at the next start.
        await Blocking.run { [quarantines] in quarantines.save() }
    }

    /// Ends the attempts and workers of all executors that there are; those that are made from now on are not used.
    @discardableResult
    private func endExecutors() async -> [PluginExecutor] {
        let executors = state.withLock { state in
            state.isStopping = true
            return state.generations.values.flatMap(\.everyExecutor) + state.others
        }
        await withTaskGroup { group in
            for executor in executors { group.addTask { await executor.stop() } }
        }
        return executors
    }
}
