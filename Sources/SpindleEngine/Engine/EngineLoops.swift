import Logging
import SpindleCore
import Synchronization

/// The engine's loops: each waits for one kind of work, does it in batches, and ends with its task.
struct EngineLoops {
    let engine: JobExecutionEngine

    init(_ engine: JobExecutionEngine) { self.engine = engine }

    private var dispatcher: Dispatcher { engine.dispatcher }
    private var clock: any AlarmClock { engine.clock }

    // MARK: Store

    /// Writes down how attempts ended.
    func settle() async {
        for await _ in dispatcher.settles.stream { await settleAll() }
    }

    /// - Parameter tries: How often in a row the store may fail before what is left stays unwritten.
    private func settleAll(tries: Int32 = .max) async {
        var failures: Int32 = 0
        while true {
            let side = engine.sideWrites.withLock { writes in
                defer { writes = [] }
                return writes
            }
            let batch = dispatcher.update { machine, _, _ in machine.takeSettles(limit: 1000) }
            if batch.isEmpty && side.isEmpty { return }
            let began = clock.monotonic
            do {
                let outcomes = try await engine.store.apply(side + batch.map { .settle($0) })
                let latency = clock.monotonic - began
                dispatcher.update { machine, _, _ in machine.settled(batch, latency: latency) }
                storeWorks()
                failures = 0
                await settled(batch, Array(outcomes.dropFirst(side.count)))
            } catch {
                engine.sideWrites.withLock { $0.insert(contentsOf: side, at: 0) }
                dispatcher.update { machine, _, _ in machine.settlesFailed(batch) }
                storeFailed(error)
                failures += 1
                if Task.isCancelled || failures >= tries { return }
                await backOff(failures)
            }
        }
    }

    private func settled(_ batch: [Settlement], _ outcomes: [StoreOutcome]) async {
        var readyTypes: Set<String> = []
        var ends: [(ExecutionID, ExecutionEnd)] = []
        for (settlement, outcome) in zip(batch, outcomes) {
            let id = settlement.key.execution
            switch outcome {
            case .settled(let state, let types, let skipped):
                readyTypes.formUnion(types)
                for id in skipped { ends.append((id, ExecutionEnd(state: .skipped, outcome: nil, result: nil))) }
                if state.isFinal {
                    ends.append((id, ExecutionEnd(state: state, outcome: settlement.outcome, result: settlement.result)))
                } else if case .retry(let at) = settlement.next {
                    engine.promotion.consider(at)
                }
            case .stale:
                await resolveStale(settlement)
            default:
                engine.logger.error("the store answered the end of \(settlement.key) with \(outcome)")
            }
        }
        engine.progressBoard.ended(batch.lazy.map(\.key))
        engine.follow(readyTypes: Array(readyTypes), skipped: [])
        for (id, end) in ends { engine.ended(id, end) }
    }

    /// A settlement was refused: either it was written before by a batch of unknown fate, or the execution belongs to another claim.
    private func resolveStale(_ settlement: Settlement) async {
        let id = settlement.key.execution
        engine.logger.info("the end of attempt \(settlement.key) came too late and was not written again")
        do {
            guard let execution = try await engine.store.execution(id) else { return }
            if execution.state.isFinal {
                engine.ended(id, ExecutionEnd(state: execution.state, outcome: settlement.outcome, result: settlement.result))
            } else if execution.state == .queued {
                engine.workIsReady(execution.executorType)
            } else if let due = execution.runAt {
                engine.promotion.consider(due)
            }
        } catch {
            engine.logger.warning("cannot read execution \(id): \(error)")
        }
    }

    /// Takes queued executions for free slots.
    func claim() async {
        var failures: Int32 = 0
        for await _ in dispatcher.claims.stream {
            while !Task.isCancelled {
                if await !reconcile() { await backOff(1); continue }
                let orders = dispatcher.update { machine, _, _ in machine.takeClaimOrders() }
                if orders.isEmpty { break }
                let at = clock.now
                do {
                    let commands = orders.map {
                        StoreCommand.claim(type: $0.name, limit: $0.limit, host: engine.lease, at: at)
                    }
                    let outcomes = try await engine.store.apply(commands)
                    dispatcher.update { machine, now, wall in
                        for (order, outcome) in zip(orders, outcomes) {
                            if case .claimed(let executions) = outcome {
                                machine.claimed(executions, for: order, now: now, wall: wall)
                            } else {
                                machine.claimFailed(order)
                            }
                        }
                    }
                    storeWorks()
                    failures = 0
                } catch {
                    dispatcher.update { machine, _, _ in
                        for order in orders { machine.claimFailed(order) }
                    }
                    storeFailed(error)
                    failures += 1
                    await backOff(failures)
                }
            }
        }
    }

    /// Gives back what a batch of unknown fate may have claimed; true when nothing is in doubt.
    private func reconcile() async -> Bool {
        let (isNeeded, holdings) = dispatcher.update { machine, _, _ in (machine.isReconciling, machine.holdings) }
        guard isNeeded else { return true }
        guard let holdings else { return false }
        do {
            let command = StoreCommand.releaseUnheld(engine.lease, holding: holdings.executions, at: clock.now)
            let outcomes = try await engine.store.apply([command])
            try await lookAround()
            dispatcher.update { machine, _, _ in machine.reconciled(upTo: holdings.doubts) }
            if case .promoted(let types, _, let skipped, _, _)? = outcomes.first {
                engine.follow(readyTypes: types, skipped: skipped)
            }
            storeWorks()
            return true
        } catch {
            storeFailed(error)
            return false
        }
    }

    /// Learns what the answers that were lost would have told: ready work, what is due next, and who has ended.
    private func lookAround() async throws {
        engine.follow(readyTypes: try await engine.store.readyTypes().map(\.type), skipped: [])
        if let due = try await engine.store.nextDue() { engine.promotion.consider(due) }
        for id in engine.waiters.awaited {
            guard let execution = try await engine.store.execution(id), execution.state.isFinal else { continue }
            engine.ended(id, try await engine.end(of: execution))
        }
    }

    /// Moves what is due to the ready work.
    func promote() async {
        var failures: Int32 = 0
        for await _ in engine.promotion.wakeUp.stream {
            var more = true
            while more && !Task.isCancelled {
                engine.promotion.reset()
                do {
                    let outcome = try await engine.store.apply([.promote(now: clock.now, limit: 1000)]).first
                    guard case .promoted(let types, let expired, let skipped, let next, let goesOn)? = outcome else {
                        break
                    }
                    engine.follow(readyTypes: types, skipped: skipped)
                    for id in expired { engine.ended(id, ExecutionEnd(state: .expired, outcome: nil, result: nil)) }
                    if let next { engine.promotion.consider(next) }
                    more = goesOn
                    storeWorks()
                    failures = 0
                } catch {
                    storeFailed(error)
                    failures += 1
                    await backOff(failures)
                }
            }
        }
    }

    /// Keeps the host's lease, and hears which of its executions others asked to end.
    func renewLease() async {
        while !Task.isCancelled {
            await clock.sleep(microseconds: engine.configuration.leaseRenewal)
            if Task.isCancelled { return }
            let now = clock.now
            let until = now.advanced(byMicroseconds: engine.configuration.leaseDuration)
            do {
                switch try await engine.store.apply([.renewHost(engine.lease, leaseUntil: until, at: now)]).first {
                case .renewed(let cancelled):
                    let word = engine.random.next()
                    dispatcher.update { machine, now, wall in
                        for id in cancelled {
                            _ = machine.cancel(id, reason: .user, now: now, wall: wall, random: word)
                        }
                    }
                case .stale:
                    engine.logger.critical("another host has taken over this store: everything that runs is asked to end")
                    let word = engine.random.next()
                    dispatcher.update { machine, now, wall in
                        machine.cancelAll(reason: .leaseLost, now: now, wall: wall, random: word)
                    }
                    engine.shutdown.open()
                    // The group ends with its first loop, and must not end before the drain.
                    return await Gate().waitUntilCancelled()
                default:
                    break
                }
            } catch {
                storeFailed(error)
            }
        }
    }

    /// Removes what is older than the retention allows, step by step.
    func prune() async {
        while !Task.isCancelled {
            await clock.sleep(microseconds: 5_000_000)
            var removed = 2000
            while removed >= 2000 && !Task.isCancelled {
                removed = await pruneStep()
                if removed >= 2000 { await clock.sleep(microseconds: 20_000) }
            }
        }
    }

    private func pruneStep() async -> Int {
        do {
            let command = StoreCommand.prune(engine.configuration.retention, now: clock.now, limit: 2000)
            guard case .pruned(let ids)? = try await engine.store.apply([command]).first else { return 0 }
            if !ids.isEmpty {
                try await engine.logs.remove(ids)
                try await engine.artefacts.remove(ids)
            }
            return ids.count
        } catch {
            storeFailed(error)
            return 0
        }
    }

    /// Gives back what this host still holds, and forgets the host.
    func close() async {
        await settleAll(tries: 4)
        do {
            try await engine.logs.flush()
            _ = try await engine.store.apply([.closeHost(engine.lease, at: clock.now)])
        } catch {
            engine.logger.error("the store could not be closed in order; the next start recovers: \(error)")
        }
    }

    // MARK: Logs

    /// Writes log lines in batches.
    func writeLogs() async {
        for await _ in engine.logs.wakeUp.stream {
            do {
                try await engine.logs.flush()
            } catch {
                engine.logger.error("log lines were lost: \(error)")
            }
        }
    }

    // MARK: Health

    private func storeWorks() {
        if engine.health.storeWorks() { engine.logger.notice("the store works again") }
    }

    private func storeFailed(_ error: any Error) {
        engine.storeFailed(error)
    }

    /// 50 ms, 100 ms … 5 s.
    private func backOff(_ failures: Int32) async {
        let policy = RetryPolicy(baseDelay: 50_000, maxDelay: 5_000_000)
        await clock.sleep(microseconds: policy.delay(afterFailures: failures))
    }
}
