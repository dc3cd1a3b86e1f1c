import Logging
import SpindleCore
import Synchronization

/// Takes up what changes in the plugin directory: starts a new version beside the old one, hands it the new attempts, watches the first
/// of them, and lets the old version end its own. One change after the other.
struct PluginReloader {
    /// What it is asked to do.
    enum Request: Sendable {
        /// Something has changed in the directory.
        case changed
        /// Somebody wants to know what becomes of the directory now.
        case look(ReloadReply)
        /// A file's quarantine was lifted: its versions may be tried again.
        case released(String)
        /// The first attempts of a version have shown enough.
        case decided(TrialRun, Trial.Verdict)
    }

    let host: PluginHost
    let directory: String
    let registry: any ExecutorRegistry

    private var settings: ReloadSettings { host.configuration.reload }
    private var logger: Logger { host.services.logger }

    /// Runs until the host stops.
    func run() async {
        for executor in host.state.withLock({ $0.generations.values.flatMap(\.executors) }) {
            if let place = registry.registration(ofType: executor.executorType) { executor.place(place) }
        }
        let watch = makeWatch()
        watch?.start()
        defer { watch?.stop() }
        await withDiscardingTaskGroup { retirement in
            var trials: [String: TrialRun] = [:]
            var rejected: [String: RejectedVersion] = [:]
            for await request in host.reloadRequests.stream {
                switch request {
                case .changed: await notice(&trials, rejected, &retirement)
                case .released(let file):
                    rejected[file] = nil
                    await notice(&trials, rejected, &retirement)
                case .look(let reply):
                    rejected = [:]
                    do {
                        try await look(&trials, rejected, &retirement)
                        reply.give(.success(host.listings))
                    } catch {
                        reply.give(.failure(error))
                    }
                case .decided(let trial, let verdict):
                    guard trials[trial.file] === trial else { break }
                    trials[trial.file] = nil
                    if case .failed(let reason) = verdict {
                        rejected[trial.file] = await takeBack(trial, reason, &retirement)
                    } else {
                        pass(trial, &retirement)
                    }
                }
            }
        }
    }

    private func makeWatch() -> DirectoryWatch? {
        guard settings.isWatching else { return nil }
        do throws(SpindleError) {
            let requests = host.reloadRequests.continuation
            return try DirectoryWatch(directory, quiet: settings.quiet, services: host.services) { requests.yield(.changed) }
        } catch {
            logger.warning("\(error.message)")
            return nil
        }
    }

    // MARK: A look at the directory

    private func notice(
        _ trials: inout [String: TrialRun],
        _ rejected: [String: RejectedVersion],
        _ retirement: inout DiscardingTaskGroup
    ) async {
        do {
            try await look(&trials, rejected, &retirement)
        } catch {
            logger.warning("the plugin directory was not looked at: \(error); what serves goes on")
        }
    }

    private func look(
        _ trials: inout [String: TrialRun],
        _ rejected: [String: RejectedVersion],
        _ retirement: inout DiscardingTaskGroup
    ) async throws {
        let found = try await host.scan()
        let (serving, resident) = host.state.withLock { ($0.generations, $0.resident) }
        let plan = ReloadPlan(found, serving: serving, rejected: rejected, resident: resident)
        for file in plan.withdrawn {
            if let trial = trials.removeValue(forKey: file) { pass(trial, &retirement) }
            await withdraw(file, &retirement)
        }
        var owners = host.reservedOwners
        for (file, generation) in host.state.withLock({ $0.generations }) {
            for type in generation.listing.types { owners[type] = file }
        }
        // What would come back with a version that may yet be taken up again is not given away.
        for trial in trials.values {
            for type in trial.old.listing.types { owners[type] = trial.file }
        }
        var listings: [PluginListing] = []
        for step in plan.steps {
            switch step {
            case .list(let candidate): listings.append(candidate.listing)
            case .keep(let candidate, let keeping): listings.append(kept(candidate, keeping, serving))
            case .judge(let candidate):
                if host.state.withLock({ $0.isStopping }) { return }
                let file = candidate.listing.file
                for made in await host.make([candidate], owners: owners) {
                    let listing = await take(made, insteadOf: serving[file], &trials, &retirement)
                    listings.append(listing)
                    owners = owners.filter { $0.value != file }
                    for type in listing.types { owners[type] = file }
                }
            }
        }
        host.state.withLock { $0.listings = listings }
    }

    private func kept(
        _ candidate: PluginCandidate,
        _ keeping: ReloadPlan.Keeping,
        _ serving: [String: PluginGeneration]
    ) -> PluginListing {
        var listing = serving[candidate.listing.file]?.listing ?? candidate.listing
        switch keeping {
        // A pin or a key may have come.
        case .same: listing.trust = candidate.listing.trust
        case .ignored(let reason): listing.note = "an older version serves; the file that is there now is not used: \(reason)"
        case .restartNeeded:
            listing.status = .restartNeeded(
                "its file or its settings have changed, and code in the host's own process cannot be replaced; it serves as before"
            )
        }
        return listing
    }

    /// Puts a version that was judged in its place, if it can serve.
    private func take(
        _ made: PluginHost.Made,
        insteadOf old: PluginGeneration?,
        _ trials: inout [String: TrialRun],
        _ retirement: inout DiscardingTaskGroup
    ) async -> PluginListing {
        let file = made.listing.file
        guard let new = made.generation else {
            guard var listing = old?.listing else { return made.listing }
            let reason = made.listing.reason ?? "it offers nothing"
            listing.note = "an older version serves; the file that is there now is not used: \(reason)"
            logger.warning("The new version of \(file) is not used: \(reason)")
            return listing
        }
        let isStopping = host.state.withLock { state in
            state.others += new.everyExecutor
            if new.isInProcess { state.resident.insert(file) }
            return state.isStopping
        }
        guard !isStopping else {
            for executor in new.everyExecutor { await executor.stop() }
            return old?.listing ?? made.listing
        }
        if let old {
            do throws(PluginRefusal) {
                try await new.warmUp()
            } catch {
                retire(new, &retirement)
                var listing = old.listing
                listing.note = "an older version serves; the file that is there now is not used: \(error.reason)"
                logger.warning("The new version of \(file) is not used: \(error.reason)")
                return listing
            }
        }
        await replace(old, by: new, file)
        logger.notice("\(file) serves \(made.listing.types.joined(separator: ", "))\(old == nil ? "" : " in a new version")")
        if let old { begin(new, after: old, file, &trials, &retirement) }
        return made.listing
    }

    /// Has a new version show what it can. One that was on trial itself is not what it is measured by: the last that passed is.
    private func begin(
        _ new: PluginGeneration,
        after old: PluginGeneration,
        _ file: String,
        _ trials: inout [String: TrialRun],
        _ retirement: inout DiscardingTaskGroup
    ) {
        var proven = old
        if let trial = trials.removeValue(forKey: file) {
            trial.end()
            retire(old, &retirement)
            proven = trial.old
        }
        guard settings.trialAttempts > 0 else { return retire(proven, &retirement) }
        let trial = TrialRun(file: file, old: proven, new: new, settings: settings)
        trials[file] = trial
        trial.begin(host.reloadRequests.continuation, loop: host.services.loop)
    }

    private func replace(_ old: PluginGeneration?, by new: PluginGeneration, _ file: String) async {
        host.state.withLock { state in
            state.generations[file] = new
            state.others.removeAll { executor in new.everyExecutor.contains { $0 === executor } }
            state.others += old?.everyExecutor ?? []
        }
        for executor in new.executors { executor.place(registry.serve(executor)) }
        let types = Set(new.executors.map(\.executorType))
        for executor in old?.executors ?? [] where !types.contains(executor.executorType) { withdraw(executor) }
        await host.beginTriggers(of: new, insteadOf: old)
    }

    // MARK: The end of a version

    private func pass(_ trial: TrialRun, _ retirement: inout DiscardingTaskGroup) {
        trial.end()
        retire(trial.old, &retirement)
    }

    /// The old version serves again, and what the new one has begun ends there.
    private func takeBack(
        _ trial: TrialRun,
        _ reason: String,
        _ retirement: inout DiscardingTaskGroup
    ) async -> RejectedVersion {
        trial.end()
        for executor in trial.old.executors {
            if let place = executor.place { registry.restore(place) }
        }
        let types = Set(trial.old.executors.map(\.executorType))
        for executor in trial.new.executors where !types.contains(executor.executorType) { withdraw(executor) }
        host.state.withLock { state in
            state.generations[trial.file] = trial.old
            state.others.removeAll { executor in trial.old.everyExecutor.contains { $0 === executor } }
            state.others += trial.new.everyExecutor
            guard let index = state.listings.firstIndex(where: { $0.file == trial.file }) else { return }
            state.listings[index] = trial.old.listing
            state.listings[index].note = "an older version serves; the file that is there now was taken back: \(reason)"
        }
        logger.error("The new version of \(trial.file) was taken back: \(reason); the old one serves again")
        await host.beginTriggers(of: trial.old, insteadOf: trial.new)
        retire(trial.new, &retirement)
        return RejectedVersion(version: trial.new.version, reason: reason)
    }

    private func withdraw(_ file: String, _ retirement: inout DiscardingTaskGroup) async {
        let generation = host.state.withLock { state in
            let generation = state.generations.removeValue(forKey: file)
            state.others += generation?.everyExecutor ?? []
            return generation
        }
        guard let generation else { return }
        for executor in generation.executors { withdraw(executor) }
        await host.restTriggers(of: generation)
        logger.notice("\(file) serves no longer")
        retire(generation, &retirement)
    }

    private func withdraw(_ executor: PluginExecutor) {
        if let place = executor.place { registry.withdraw(place) }
    }

    /// Lets the attempts of a version that was replaced or withdrawn end, then ends its workers.
    private func retire(_ generation: PluginGeneration, _ retirement: inout DiscardingTaskGroup) {
        let places = generation.executors.compactMap { executor in executor.place.map { (executor, $0) } }
        retirement.addTask { [host, registry] in
            for trigger in generation.triggers { await trigger.end() }
            await registry.waitUntilCarriedOut()
            for executor in generation.executors {
                await executor.drained()
                if let place = places.first(where: { $0.0 === executor })?.1 { registry.forget(place) }
                await executor.stop()
                executor.finish()
            }
            host.state.withLock { state in
                state.others.removeAll { executor in generation.everyExecutor.contains { $0 === executor } }
            }
        }
    }
}
