import Glibc
public import SpindleCore
import Synchronization

/// The plugins of a host: finds them, checks them, and gives their executors.
///
/// ``load()`` once, then hand ``executors`` to the engine and run ``run()`` beside it.
public final class PluginHost: Sendable {
    private struct State {
        var listings: [PluginListing] = []
        var executors: [PluginExecutor] = []
        var isLoaded = false
    }

    let configuration: PluginHostConfiguration
    let services: PluginServices
    let facts: PluginFacts
    let quarantines: QuarantineFile
    private let state = Mutex(State())

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
            hostVersion: configuration.hostVersion
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
    public var executors: [any BatchExecutor] { state.withLock { $0.executors } }

    /// All files of the directory, with what became of each.
    public var listings: [PluginListing] {
        let (listings, executors) = state.withLock { ($0.listings, $0.executors) }
        return listings.map { listing in
            guard listing.status == .serving else { return listing }
            let name = String(listing.file.dropLast(3))
            var listing = listing
            let own = executors.lazy.filter { $0.descriptor.plugin == name }
            if let reason = own.compactMap(\.restartReason).first {
                listing.status = .restartNeeded(reason)
            } else if let quarantine = own.compactMap(\.supervisor?.quarantine).first {
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
        guard state.withLock({ !$0.isLoaded }) else { return listings }
        guard let directory = configuration.directory else { return [] }
        let found = try await Blocking.run { [configuration, facts] in
            try PluginDirectory(path: directory).scan(facts: facts, logger: configuration.logger)
        }
        let judged = await judge(found)
        await Blocking.run { [configuration, facts] in facts.save(logger: configuration.logger) }
        var serving = configuration.reservedTypes.reduce(into: [String: String]()) { $0[$1.lowercased()] = "the host itself" }
        var listings: [PluginListing] = []
        var executors: [PluginExecutor] = []
        for (candidate, verdict) in judged {
            var listing = candidate.listing
            if let file = candidate.file, let verdict {
                let plans = accept(file, candidate.sidecar, verdict, &listing, &serving)
                do {
                    // Loading a plugin into the host may block.
                    executors += try await Blocking.run { try self.makeExecutors(plans, file) }
                } catch {
                    for plan in plans { serving[plan.type] = nil }
                    listing.types = []
                    listing.status = .refused((error as? PluginRefusal)?.reason ?? "\(error)")
                }
            }
            listings.append(listing)
        }
        state.withLock { state in
            state.listings = listings
            state.executors = executors
            state.isLoaded = true
        }
        // With what was kept of the host's last run.
        return self.listings
    }

    /// Runs until the task is cancelled, then ends all attempts and workers, within their grace.
    public func run() async throws {
        await Suspension.untilCancelled()
        await stop()
    }

    /// Lifts the quarantine of a plugin: its waiting work runs again.
    ///
    /// - Parameter name: Of its file, with or without `.so`.
    /// - Throws: `notFound` if there is no such plugin; `conflict` if it is not quarantined.
    public func release(_ name: String) async throws {
        let plugin = name.hasSuffix(".so") ? String(name.dropLast(3)) : name
        let (listings, executors) = state.withLock { ($0.listings, $0.executors) }
        guard listings.contains(where: { $0.file == "\(plugin).so" }) else {
            throw SpindleError(.notFound, "There is no plugin \"\(plugin.prefix(128))\".")
        }
        let supervisor = executors.lazy.filter { $0.descriptor.plugin == plugin }.compactMap(\.supervisor).first
        let wasReleased = try await Blocking.run { supervisor?.release() ?? false }
        guard wasReleased else {
            throw SpindleError(.conflict, "The plugin \"\(plugin)\" is not quarantined; there is nothing to release.")
        }
    }

    /// Ends all attempts and workers. The host cannot be used afterwards.
    public func stop() async {
        let executors = state.withLock { $0.executors }
        await withTaskGroup { group in
            for executor in executors { group.addTask { await executor.stop() } }
        }
        for executor in executors { executor.finish() }
        services.spawner.stop()
        services.loop.stop()
        // What was decided last must be there at the next start.
        await Blocking.run { [quarantines] in quarantines.save() }
    }

    // MARK: Judging

    /// Asks every plugin in a throw-away process what it is, four at a time.
    private func judge(_ candidates: [PluginCandidate]) async -> [(PluginCandidate, ProbeVerdict?)] {
        await withTaskGroup(of: (Int, ProbeVerdict).self) { group in
            var verdicts: [Int: ProbeVerdict] = [:]
            var running = 0
            for (index, candidate) in candidates.enumerated() {
                guard let file = candidate.file else { continue }
                if running == 4, let (done, verdict) = await group.next() {
                    verdicts[done] = verdict
                    running -= 1
                }
                running += 1
                group.addTask { (index, await self.verdict(on: file, candidate.sidecar)) }
            }
            for await (index, verdict) in group { verdicts[index] = verdict }
            return candidates.enumerated().map { ($1, verdicts[$0]) }
        }
    }

    func verdict(on file: PluginFile, _ sidecar: Sidecar) async -> ProbeVerdict {
        let instances = sidecar.executors.isEmpty ? [] : ExecutorPlan.instances(sidecar, kinds: [])
        let audits = sidecar.isolation == .inProcess
        let key = PluginFacts.key(file.image.digest, instances, limit: configuration.probeTimeout, audits: audits)
        if let known = facts.verdict(key, now: services.clock.now) { return known }
        do {
            let verdict = try await ProbeSession.run(
                file.image,
                instances: instances,
                limit: configuration.probeTimeout,
                audits: audits,
                services: services
            )
            facts.remember(verdict, key, now: services.clock.now)
            return verdict
        } catch {
            // Not the plugin's fault: not remembered.
            return .failed("no process could look at it: \(error)")
        }
    }

    private func accept(
        _ file: PluginFile,
        _ sidecar: Sidecar,
        _ verdict: ProbeVerdict,
        _ listing: inout PluginListing,
        _ serving: inout [String: String]
    ) -> [ExecutorPlan] {
        let manifest: PluginManifest
        switch verdict {
        case .refused(let reason), .failed(let reason):
            listing.status = .refused(reason)
            return []
        case .loads(let found): manifest = found
        }
        listing.manifest = manifest
        listing.isolation = sidecar.isolation ?? .worker
        do throws(PluginRefusal) {
            try configuration.hygiene.check(manifest, sidecar)
            let plans = try ExecutorPlan.all(manifest, sidecar, plugin: file.name)
            listing.status = .serving
            var accepted: [ExecutorPlan] = []
            for plan in plans {
                if let owner = serving[plan.type] {
                    listing.status = .conflict("the type \"\(plan.type)\" is served by \(owner) already")
                } else {
                    serving[plan.type] = listing.file
                    accepted.append(plan)
                }
            }
            listing.types = accepted.map(\.type)
            return accepted
        } catch {
            listing.status = .refused(error.reason)
            return []
        }
    }

    private func makeExecutors(_ plans: [ExecutorPlan], _ file: PluginFile) throws -> [PluginExecutor] {
        var session: InProcessSession?
        if plans.contains(where: { $0.isolation == .inProcess }) {
            session = try InProcessSession(image: file.image, loop: services.loop, hostVersion: services.hostVersion)
        }
        let supervisor = PluginSupervisor(
            plugin: file.name,
            digest: file.image.digest,
            settings: configuration.breaker,
            kept: quarantines,
            services: services
        )
        return try plans.enumerated().map { index, plan in
            let sink = EventSink()
            let settings = plan.settings(configuration.pool)
            let backend: any AttemptBackend
            if let session {
                backend = try InProcessPool(
                    plan: plan.instance,
                    number: UInt64(index + 1),
                    session: session,
                    settings: settings,
                    services: services,
                    sink: sink
                )
            } else {
                backend = WorkerPool(
                    plan: plan.instance,
                    image: file.image,
                    settings: settings,
                    services: services,
                    supervisor: supervisor,
                    sink: sink
                )
            }
            return PluginExecutor(
                descriptor: plan.descriptor,
                isolation: plan.isolation,
                backend: backend,
                sink: sink,
                supervisor: session == nil ? supervisor : nil
            )
        }
    }
}
