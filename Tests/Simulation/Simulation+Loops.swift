import SpindleCore
import SpindleEngine

/// What `EngineLoops` does around the dispatcher, with a store that is slow, fails and loses its answers.
extension Simulation {
    func send(_ work: SimBatch.Work) {
        var fate = SimBatch.Fate.answered
        if isTroubled && random.chance(now < outageUntil ? 600 : world.failing) {
            fate = random.chance(500) ? .writtenButLost : .notWritten
        }
        let batch = SimBatch(work: work, fate: fate)
        let index: Int
        if let free = freeBatches.popLast() {
            batches[free] = batch
            index = free
        } else {
            batches.append(batch)
            index = batches.count - 1
        }
        push(.commit, after: latency(), index)
    }

    private func latency() -> Int64 {
        random.chance(world.slow) && isTroubled ? random.between(5000, 300_000) : random.between(50, 1500)
    }

    func commit(_ index: Int) {
        if batches[index].fate != .notWritten { apply(index) }
        batches[index].isCommitted = true
        push(.reply, after: random.chance(100) ? latency() : random.between(0, 200), index)
    }

    /// The transaction.
    func apply(_ index: Int) {
        switch batches[index].work {
        case .none: break
        case .settles(let settlements, _):
            for settlement in settlements { batches[index].states.append(store.settle(settlement)) }
        case .claims(let orders):
            for order in orders { batches[index].claimed.append(store.claim(order.type, limit: order.limit)) }
        case .submit(let entries):
            for entry in entries { insert(entry, index) }
        case .promote:
            batches[index].readyTypes = store.promote(now: now)
            batches[index].nextDue = store.nextDue()
        case .renew: batches[index].rows = store.cancelRequested
        case .cancel(let row): batches[index].states = [store.requestCancel(row)]
        case .retry(let row): batches[index].states = [store.retryNow(row, now: now) ? .queued : nil]
        case .release(let holding, _):
            _ = store.releaseUnheld(holding: holding)
            for type in world.types.indices where store.lowestRank(ofType: type) != nil {
                batches[index].readyTypes.append(type)
            }
            batches[index].nextDue = store.nextDue()
        }
    }

    private func insert(_ entry: (row: Int, admitted: Bool), _ index: Int) {
        if store.rows[entry.row].runAt != .max {
            store.move(entry.row, to: .scheduled)
        } else if entry.admitted {
            store.move(entry.row, to: .running)
            store.rows[entry.row].attempt = 1
            store.rows[entry.row].epoch = store.epoch
            batches[index].claimed.append([store.claimedExecution(entry.row)])
        } else {
            store.move(entry.row, to: .queued)
        }
        batches[index].states.append(store.rows[entry.row].state)
    }

    func reply(_ index: Int) {
        let batch = batches[index]
        batches[index] = SimBatch(work: .none, fate: .answered)
        freeBatches.append(index)
        if batch.fate == .answered { answered(batch) } else { failed(batch) }
    }

    private func answered(_ batch: SimBatch) {
        switch batch.work {
        case .none: break
        case .settles(let settlements, let began): settled(settlements, batch.states, began: began)
        case .claims(let orders):
            for (order, executions) in zip(orders, batch.claimed) {
                audit.claimAnswered(order, count: executions.count)
                machine.claimed(executions, for: order, now: now, wall: wall)
            }
            perform()
            loops.claim.failures = 0
            claimStep()
        case .submit(let entries):
            var claimed = batch.claimed.makeIterator()
            for (entry, state) in zip(entries, batch.states) {
                let row = store.rows[entry.row]
                if entry.admitted, let execution = claimed.next()?.first {
                    machine.admitted(execution, type: row.type)
                } else if state == .queued {
                    workIsReady(row.type)
                }
                consider(min(row.runAt, row.startBy))
            }
            perform()
        case .promote:
            for type in batch.readyTypes { workIsReady(type) }
            perform()
            loops.promote = SimLoops.Loop(isWoken: loops.promote.isWoken)
            consider(batch.nextDue)
            if loops.promote.isWoken { wakePromote() }
        case .renew:
            for row in batch.rows { cancel(row) }
            perform()
            push(.renew, after: 300_000)
        case .cancel(let row):
            if batch.states.first == .running { cancel(row) }
            perform()
        case .retry(let row):
            if batch.states.first == .queued { workIsReady(store.rows[row].type) }
            perform()
        case .release(_, let doubts):
            for type in batch.readyTypes { workIsReady(type) }
            consider(batch.nextDue)
            machine.reconciled(upTo: doubts)
            perform()
            claimStep()
        }
    }

    private func failed(_ batch: SimBatch) {
        machine.fateUnknown()
        switch batch.work {
        case .settles(let settlements, _):
            machine.settlesFailed(settlements)
            loops.settle.failures += 1
            push(.settleAgain, after: backOff(loops.settle.failures))
        case .claims(let orders):
            for order in orders { machine.claimFailed(order) }
            loops.claim.failures += 1
            push(.claimAgain, after: backOff(loops.claim.failures))
        case .submit(let entries):
            for entry in entries where entry.admitted { machine.admissionFailed(type: store.rows[entry.row].type) }
        case .promote:
            loops.promote.failures += 1
            push(.promoteAgain, after: backOff(loops.promote.failures))
        case .renew: push(.renew, after: 300_000)
        case .release: push(.claimAgain, after: backOff(1))
        case .cancel, .retry, .none: break
        }
        perform()
    }

    private func backOff(_ failures: Int32) -> Int64 { min(50_000 << Int64(min(failures, 5) - 1), 500_000) }

    private func settled(_ settlements: [Settlement], _ states: [ExecutionState?], began: Int64) {
        machine.settled(settlements, latency: now - began)
        for (settlement, state) in zip(settlements, states) {
            let row = store.rows[SimStore.row(settlement.key.execution)]
            switch state ?? row.state {
            case .queued: workIsReady(row.type)
            case .retrying, .scheduled: consider(row.runAt)
            default: break
            }
        }
        perform()
        loops.settle.failures = 0
        settleStep()
    }

    private func cancel(_ row: Int) {
        let id = store.rows[row].id
        let wasWaiting = machine.records[id].map { $0.phase == .ready || $0.phase == .parked } ?? false
        if wasWaiting, let key = machine.records[id]?.key { audit.endedUnstarted.insert(key) }
        machine.cancel(id, reason: .user, now: now, wall: wall, random: random.next())
    }

    func workIsReady(_ type: Int) {
        audit.told(type)
        machine.workIsReady(type: world.types[type].name)
    }

    // MARK: Loops

    func settleStep() {
        let batch = machine.takeSettles(limit: random.chance(300) ? 1 + random.below(3) : 1000)
        for settlement in batch { checkSettlement(settlement) }
        loops.settle.isBusy = !batch.isEmpty
        if !batch.isEmpty { send(.settles(batch, began: now)) }
        perform()
    }

    func claimStep() {
        loops.claim.isBusy = true
        loops.claim.isWoken = false
        if machine.isReconciling {
            if let holdings = machine.holdings {
                send(.release(holdings.executions, doubts: holdings.doubts))
            } else {
                push(.claimAgain, after: backOff(1))
            }
            return
        }
        let orders = machine.takeClaimOrders()
        for order in orders { audit.claimOrdered(order) }
        loops.claim.isBusy = !orders.isEmpty
        if !orders.isEmpty { send(.claims(orders)) }
        perform()
    }

    /// Something becomes due then.
    func consider(_ due: Int64) {
        guard due < loops.promoteArmed else { return }
        loops.promoteArmed = due
        push(.promoteDue, at: due)
    }

    func promoteDue(_ at: Int64) {
        guard loops.promoteArmed <= at else { return }
        loops.promoteArmed = .max
        wakePromote()
    }

    private func wakePromote() {
        if loops.promote.isBusy {
            loops.promote.isWoken = true
        } else {
            loops.promote.isBusy = true
            promoteStep()
        }
    }

    func promoteStep() {
        loops.promote.isWoken = false
        send(.promote)
    }
}
