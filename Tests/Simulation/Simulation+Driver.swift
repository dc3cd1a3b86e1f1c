import SpindleCore
import SpindleEngine

/// The world outside the host: who submits, cancels, retries, reloads, stops and kills.
extension Simulation {
    func drive() {
        guard isTroubled else { return }
        // What does not fit waits: more of the same would only fill the queue.
        push(.driver, after: random.between(0, store.open < 60 ? 2 * world.gap : 30 * world.gap))
        switch random.below(1000) {
        case ..<700: submit()
        case ..<780: if let row = someRow() { send(.cancel(row: row)) }
        case ..<800: if let row = nextOfKey() { send(.cancel(row: row)) }
        case ..<840: if let row = someRow() { send(.retry(row: row)) }
        case ..<940: repeatReport()
        case ..<960: reload()
        case ..<970: withdraw()
        case ..<977: crash()
        case ..<983: drain()
        case ..<993: outageUntil = now + random.between(10_000, 500_000)
        default: break
        }
    }

    private func someRow() -> Int? {
        guard !store.rows.isEmpty else { return nil }
        // Mostly what is alive: the last ones.
        let reach = min(store.rows.count, random.chance(800) ? 20 : 200)
        return store.rows.count - 1 - random.below(reach)
    }

    /// One that waits for a slot after the slot of its key became free: cancelling it must not hold up those behind it.
    private func nextOfKey() -> Int? {
        store.rows.indices.suffix(90).last { index in
            store.rows[index].keyName != nil && machine.records[store.rows[index].id]?.phase == .ready
        }
    }

    private func submit() {
        guard store.open < 90 else { return }
        var entries: [(row: Int, admitted: Bool)] = []
        for _ in 0..<(1 + random.below(3)) {
            let row = newRow()
            store.rows.append(row)
            let index = store.rows.count - 1
            var admitted = false
            if row.runAt == .max && !machine.isDraining {
                admitted = machine.admit(
                    type: row.type,
                    concurrencyKey: row.keyName,
                    keyLimit: row.policy.concurrencyKeyLimit
                )
                if admitted { checkAdmission(row) }
            }
            entries.append((index, admitted))
        }
        perform()
        send(.submit(entries))
    }

    private func newRow() -> SimStore.Row {
        let type = random.below(world.types.count)
        let key = random.chance(350) ? random.below(2) : -1
        var policy = JobPolicy()
        policy.retry.strategy = [.exponential, .exponential, .linear, .fixed, .none][random.below(5)]
        policy.retry.maxRetries = Int32(random.below(4))
        policy.retry.baseDelay = random.between(1000, 20_000)
        policy.retry.maxDelay = 60_000
        policy.timeout = random.chance(200) ? random.between(1000, world.types[type].pace + 1000) : 400_000
        policy.onInterrupted = random.chance(150) ? .fail : .rerun
        if key >= 0 { policy.concurrencyKeyLimit = random.chance(100) ? 1 : world.keyLimits[key] }
        let priority = random.chance(200) ? Int32(random.below(5)) - 2 : 0
        var row = SimStore.Row(
            id: SimStore.id(store.rows.count),
            type: type,
            typeName: world.types[type].name,
            keyName: key >= 0 ? ["k", "l"][key] : nil,
            policy: policy,
            priority: priority,
            rank: 0
        )
        if random.chance(120) { row.runAt = now + random.between(1000, 100_000) }
        if random.chance(60) { row.startBy = now + random.between(100_000, 300_000) }
        let readyAt = row.runAt == .max ? now : row.runAt
        row.rank = NewExecution.rank(readyAt: SimStore.wall(readyAt), priority: priority)
        return row
    }

    /// A report comes again, or so late that its attempt is long forgotten.
    private func repeatReport() {
        guard !codes.isEmpty else { return }
        let reach = min(codes.count, random.chance(700) ? 12 : 100)
        let code = codes.count - 1 - random.below(reach)
        guard codes[code].sent != nil, !codes[code].runs, codes[code].arrived != nil else { return }
        push(.deliver, after: random.between(0, 30_000), code, report: random.chance(500) ? .finishedAndEnded : .ended)
    }

    /// The operator changes limits, or a type comes from another plugin now.
    private func reload() {
        let type = random.below(world.types.count)
        world.types[type].limit = 1 + Int32(random.below(5))
        if random.chance(300) {
            let plugin = random.below(3)
            world.types[type].plugin = plugin < 2 ? plugin : nil
        }
        if let plugin = world.types[type].plugin { world.pluginLimits[plugin] = 1 + Int32(random.below(4)) }
        machine.serve(world.descriptor(type))
        if random.chance(200) {
            world.settings.maxConcurrentJobs = 1 + Int32(random.below(7))
            machine.settings.maxConcurrentJobs = world.settings.maxConcurrentJobs
        }
        perform()
    }

    /// A plugin is taken away, or takes nothing for a while, and comes back.
    private func withdraw() {
        let type = random.below(world.types.count)
        if random.chance(500) { machine.pause(type: world.types[type].name, true) } else { machine.withdraw(type: type) }
        push(.serveAgain, after: random.between(0, 100_000), type)
        perform()
    }

    func serveAgain(_ type: Int) {
        machine.serve(world.descriptor(type))
        machine.pause(type: world.types[type].name, false)
        workIsReady(type)
        perform()
    }

    // MARK: Hosts

    func startHost() {
        loops = SimLoops()
        audit.newLife(types: world.types.count)
        real = SimCounts(world)
        for type in world.types.indices where store.lowestRank(ofType: type) != nil { workIsReady(type) }
        for type in world.types.indices { workIsReady(type) }
        perform()
        consider(store.nextDue())
        push(.renew, after: 300_000)
    }

    /// The process dies: its code dies with it, and what was on its way to the store arrives or not.
    private func crash() { restart(isClean: false) }

    func closeHost() {
        guard machine.isDraining else { return }
        // The last settlements are written in one go, then the host gives back the rest.
        let rest = loops.settle.failures == 0 ? machine.takeSettles(limit: .max) : []
        for settlement in rest {
            checkSettlement(settlement)
            _ = store.settle(settlement)
        }
        restart(isClean: true)
    }

    private func restart(isClean: Bool) {
        for index in batches.indices where !freeBatches.contains(index) {
            if !batches[index].isCommitted, random.chance(500) {
                batches[index].fate = .writtenButLost
                apply(index)
            }
        }
        batches.removeAll(keepingCapacity: true)
        freeBatches.removeAll(keepingCapacity: true)
        for index in codes.indices where codes[index].runs { codes[index].runs = false }
        life += 1
        store.open(isClean: isClean)
        machine = world.machine(epoch: store.epoch)
        startHost()
    }

    private func drain() {
        guard !machine.isDraining else { return }
        machine.drain()
        perform()
        push(.drainTimeout, after: random.between(0, 40_000))
        push(.closeAnyway, after: 40_000 + 3 * world.settings.cancelGrace)
    }

    /// No more faults and no new work: what goes on by itself must bring everything to an end.
    func calmDown() {
        isTroubled = false
        if machine.isDraining { closeHost() }
        for index in codes.indices where codes[index].runs { push(.codeEnds, after: random.between(0, 50_000), index) }
    }

    var isAtRest: Bool {
        store.open == 0 && machine.records.isEmpty && machine.lingering.isEmpty && machine.settlesInFlight == 0
            && machine.pendingSettles.isEmpty && !loops.claim.isBusy && !loops.settle.isBusy && !loops.promote.isBusy
            && batches.allSatisfy { batch in
                switch batch.work {
                case .none, .renew: true
                default: false
                }
            }
    }
}
