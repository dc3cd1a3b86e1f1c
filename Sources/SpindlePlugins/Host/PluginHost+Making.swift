import Glibc
import SpindleCore
import Synchronization

/// How files of the directory become executors.
extension PluginHost {
    /// A file that was judged, with the executors that serve it if it can.
    struct Made: Sendable {
        var listing: PluginListing
        var generation: PluginGeneration?
    }

    /// Types that no plugin may claim, with whose they are.
    var reservedOwners: [String: String] {
        configuration.reservedTypes.reduce(into: [:]) { $0[$1.lowercased()] = "the host itself" }
    }

    /// Looks at every file of the directory.
    ///
    /// - Throws: If the directory itself cannot be used.
    func scan() async throws -> [PluginCandidate] {
        guard let directory = configuration.directory else { return [] }
        return try await Blocking.run { [configuration, facts] in
            if configuration.mayBeMissing, access(directory, F_OK) != 0, errno == ENOENT { return [] }
            return try PluginDirectory(path: directory)
                .scan(facts: facts, policy: configuration.trust, now: configuration.clock.now, logger: configuration.logger)
        }
    }

    /// Has every plugin described in a throw-away process, and makes its executors.
    ///
    /// - Parameter owners: The files that types belong to already; a file may claim its own again.
    func make(_ candidates: [PluginCandidate], owners: [String: String]) async -> [Made] {
        let judged = await judge(candidates)
        let users = await users(candidates.compactMap(\.file?.name))
        await Blocking.run { [configuration, facts] in facts.save(logger: configuration.logger) }
        var owners = owners
        var result: [Made] = []
        for (candidate, verdict) in judged {
            result.append(await make(candidate, verdict, users, &owners))
        }
        return result
    }

    /// The users of plugins, as far as workers get one of their own; those that they had before stay theirs.
    private func users(_ names: [String]) async -> [String: UInt32] {
        guard services.sandbox.isRoot else { return [:] }
        let known = state.withLock { $0.users }
        let users = try? await Blocking.run { PluginUsers.assign(names, known: known) }
        guard let users else { return known }
        state.withLock { $0.users = users }
        return users
    }

    private func make(
        _ candidate: PluginCandidate,
        _ verdict: ProbeVerdict?,
        _ users: [String: UInt32],
        _ owners: inout [String: String]
    ) async -> Made {
        var made = Made(listing: candidate.listing, generation: nil)
        guard let file = candidate.file, let version = candidate.version, let verdict else { return made }
        let plans = accept(file, candidate.sidecar, verdict, &made.listing, &owners)
        guard !plans.isEmpty else { return made }
        do {
            // Loading a plugin into the host may block.
            let parts = try await Blocking.run { try self.makeExecutors(plans, file, user: users[file.name]) }
            made.generation = PluginGeneration(
                version: version,
                listing: made.listing,
                executors: parts.executors,
                triggers: parts.triggers
            )
        } catch {
            for plan in plans where !plan.isTrigger { owners[plan.type] = nil }
            made.listing.types = []
            made.listing.status = .refused((error as? PluginRefusal)?.reason ?? "\(error)")
        }
        return made
    }

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

    /// Has it described in a throw-away process, whatever was found before.
    ///
    /// - Parameter audits: Whether its `init` is called too, to see what that changes.
    func probe(_ file: PluginFile, _ sidecar: Sidecar, audits: Bool) async -> ProbeVerdict {
        do {
            let isolation = try await Blocking.run { [services, configuration] in
                let level = sidecar.isolation ?? .worker
                return try services.sandbox.probe(for: level, libraries: file.libraries, limit: configuration.probeTimeout)
            }
            return try await ProbeSession.run(
                file.image,
                instances: sidecar.executors.isEmpty ? [] : ExecutorPlan.instances(sidecar, kinds: []),
                limit: configuration.probeTimeout,
                isolation: isolation,
                audits: audits,
                services: services
            )
        } catch let refusal as PluginRefusal {
            return .failed(refusal.reason)
        } catch {
            return .failed("no process could look at it: \(error)")
        }
    }

    /// Executors of a file outside of the directory.
    func makeExecutors(_ plans: [ExecutorPlan], _ file: PluginFile) async throws -> [PluginExecutor] {
        let users = await users([file.name])
        return try await Blocking.run { try self.makeExecutors(plans, file, user: users[file.name]).executors }
    }

    func verdict(on file: PluginFile, _ sidecar: Sidecar) async -> ProbeVerdict {
        let instances = sidecar.executors.isEmpty ? [] : ExecutorPlan.instances(sidecar, kinds: [])
        let audits = sidecar.isolation == .inProcess
        let key = PluginFacts.key(file.image.digest, instances, limit: configuration.probeTimeout, audits: audits)
        if let known = facts.verdict(key, now: services.clock.now) { return known }
        do {
            // What is to run in the host is looked at as it would be there: a sandbox would hide a part of what it does.
            let isolation =
                audits
                ? nil
                : try await Blocking.run { [services, configuration] in
                    let level = sidecar.isolation ?? .worker
                    return try services.sandbox.probe(for: level, libraries: file.libraries, limit: configuration.probeTimeout)
                }
            let verdict = try await ProbeSession.run(
                file.image,
                instances: instances,
                limit: configuration.probeTimeout,
                isolation: isolation,
                audits: audits,
                services: services
            )
            facts.remember(verdict, key, now: services.clock.now)
            return verdict
        } catch let refusal as PluginRefusal {
            return .failed(refusal.reason)
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
        _ owners: inout [String: String]
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
        listing.note(sidecar)
        do throws(PluginRefusal) {
            try configuration.hygiene.check(manifest, sidecar)
            try listing.trust?.check(id: manifest.id, version: manifest.version)
            let plans = try ExecutorPlan.all(manifest, sidecar, plugin: file.name)
            let triggers = try ExecutorPlan.triggers(manifest, sidecar, plugin: file.name)
            listing.status = .serving
            var accepted: [ExecutorPlan] = []
            for plan in plans {
                if let owner = owners[plan.type], owner != listing.file {
                    listing.status = .conflict("the type \"\(plan.type)\" is served by \(owner) already")
                } else {
                    owners[plan.type] = listing.file
                    accepted.append(plan)
                }
            }
            listing.types = accepted.map(\.type)
            return accepted.isEmpty ? [] : accepted + triggers
        } catch {
            listing.status = .refused(error.reason)
            return []
        }
    }

    private func makeExecutors(
        _ plans: [ExecutorPlan],
        _ file: PluginFile,
        user: UInt32?
    ) throws -> (executors: [PluginExecutor], triggers: [PluginTrigger]) {
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
        var executors: [PluginExecutor] = []
        var triggers: [PluginTrigger] = []
        for (index, plan) in plans.enumerated() {
            let door = plan.door
            let granted = Set(plan.sidecar.secrets)
            let executor = ExecutorSecrets(
                source: configuration.secrets,
                granted: granted,
                plugin: plan.plugin,
                isRedacting: configuration.isRedacting
            )
            let sink = EventSink(secrets: granted.isEmpty ? nil : executor)
            let settings = plan.settings(configuration.pool)
            let secrets = InstanceSecrets(executor)
            var instance = plan.instance
            instance.door = door
            instance.secrets = granted.isEmpty ? nil : secrets
            let names = plan.secretNames
            let backend: any AttemptBackend
            var remake: (@Sendable (InstanceSecrets) -> any AttemptBackend)?
            if let session {
                do throws(SecretFailure) { secrets.instance = try executor.resolve(names) } catch {
                    throw PluginRefusal(SpindleError(.plugin, error.message))
                }
                backend = try InProcessPool(
                    plan: instance,
                    number: UInt64(index + 1),
                    session: session,
                    settings: settings,
                    services: services,
                    sink: sink
                )
            } else {
                instance.isolation = try services.sandbox.isolation(for: plan, user: user, libraries: file.libraries)
                let make: @Sendable (InstanceSecrets) -> WorkerPool = { [instance, services] secrets in
                    var instance = instance
                    if instance.secrets != nil { instance.secrets = secrets }
                    return WorkerPool(
                        plan: instance,
                        image: file.image,
                        settings: settings,
                        services: services,
                        supervisor: supervisor,
                        sink: sink
                    )
                }
                backend = make(secrets)
                remake = make
            }
            let guarded = SecretBackend(
                executor,
                names: names,
                sink: sink,
                first: SecretBackend.Generation(backend: backend, secrets: secrets),
                remake: remake
            )
            let made = PluginExecutor(
                descriptor: plan.descriptor,
                isolation: plan.isolation,
                backend: guarded,
                sink: sink,
                supervisor: session == nil ? supervisor : nil,
                grace: configuration.pool.stopGrace
            )
            if let door {
                triggers.append(PluginTrigger(plan: plan, executor: made, door: door, services: services))
            } else {
                executors.append(made)
            }
        }
        return (executors, triggers)
    }
}
