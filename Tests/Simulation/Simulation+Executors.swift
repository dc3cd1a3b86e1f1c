import SpindleCore
import SpindleEngine

/// Executors and the code they run: quick, slow, deaf, mute, crashing, unkillable.
extension Simulation {
    func begin(_ request: AttemptRequest, type: Int) {
        let row = SimStore.row(request.key.execution)
        checkStart(request, row: row, type: type)
        let pace = world.types[type].pace
        let isStuck = random.chance(25)
        let code = SimCode(
            key: request.key,
            row: row,
            type: type,
            plugin: world.types[type].plugin ?? -1,
            startedAt: now,
            deadline: now + request.policy.timeout,
            result: world.result(&random),
            trails: random.chance(150) ? random.between(1000, 20_000) : 0,
            obeysAfter: random.chance(700) ? random.between(0, 2 * world.settings.cancelGrace) : nil,
            isMute: random.chance(20)
        )
        codes.append(code)
        let index = codes.count - 1
        store.rows[row].code = index
        count(code, 1)
        real.global += 1
        checkLimits(code)
        if !isStuck { push(.codeDone, after: random.between(0, 2 * pace), index) }
    }

    private func count(_ code: SimCode, _ step: Int32) {
        real.types[code.type] += step
        if code.plugin >= 0 { real.plugins[code.plugin] += step }
        if let key = store.rows[code.row].keyName { real.keys[key, default: 0] += step }
    }

    func askToEnd(_ key: AttemptKey, _ reason: CancelReason) {
        let row = SimStore.row(key.execution)
        let index = store.rows[row].code
        guard index >= 0, codes[index].key == key else {
            return broken("cancelNeverOvertakesStart", "\(key.attempt) of \(row) was asked to end before it started")
        }
        audit.cancels += 1
        if codes[index].cancelReason == nil {
            codes[index].cancelReason = reason
            codes[index].cancelledAt = now
        }
        guard codes[index].runs else { return }
        if let delay = codes[index].obeysAfter { push(.codeDone, after: delay, index) }
        push(.codeKilled, after: 2 * world.settings.cancelGrace, index)
    }

    /// The code has come to its result.
    func codeDone(_ index: Int) {
        guard codes[index].runs, codes[index].sent == nil else { return }
        let obeys = codes[index].cancelReason != nil && codes[index].obeysAfter != nil && random.chance(600)
        codes[index].sent = obeys ? SimWorld.results[7] : codes[index].result
        if codes[index].isMute {
            end(index)
            report(index, .ended)
        } else if codes[index].trails > 0 {
            report(index, .finished)
            push(.codeEnds, after: codes[index].trails, index)
        } else {
            end(index)
            report(index, .finishedAndEnded)
        }
    }

    /// The code ends some time after its result, or after nobody waits for it any more.
    func codeEnds(_ index: Int) {
        guard codes[index].runs else { return }
        if codes[index].sent == nil { return codeDone(index) }
        end(index)
        report(index, .ended)
    }

    /// The executor uses its last means.
    func codeKilled(_ index: Int) {
        guard codes[index].runs else { return }
        if world.types[codes[index].type].isInProcess {
            report(index, .abandoned)
            if codes[index].sent == nil { codes[index].sent = codes[index].result }
            push(.codeEnds, after: random.between(5000, 400_000), index)
        } else if codes[index].sent == nil {
            codes[index].sent = SimWorld.results[4]
            end(index)
            report(index, .finishedAndEnded)
        } else {
            codeEnds(index)
        }
    }

    private func end(_ index: Int) {
        codes[index].runs = false
        count(codes[index], -1)
        if codes[index].holdsGlobal { real.global -= 1 }
    }

    private func report(_ index: Int, _ report: SimEvent.Report) {
        push(.deliver, after: random.between(0, 300), index, report: report)
        if random.chance(30) { push(.deliver, after: random.between(300, 60_000), index, report: report) }
    }

    /// A report reaches the dispatcher; also one from an earlier life of the host, which must mean nothing.
    func deliver(_ event: SimEvent) {
        let index = event.subject
        let code = codes[index]
        if event.life == life { noteArrival(index, event.report) }
        let result = code.sent ?? code.result
        let report: AttemptEvent
        switch event.report {
        case .finishedAndEnded: report = .finished(code.key, result, ranOn: nil, codeEnded: true)
        case .finished: report = .finished(code.key, result, ranOn: nil, codeEnded: false)
        case .ended: report = .codeEnded(code.key)
        case .abandoned: report = .abandoned(code.key)
        }
        let word = random.next()
        machine.handle(report, now: now, wall: wall) { word }
        perform()
    }

    private func noteArrival(_ index: Int, _ report: SimEvent.Report) {
        switch report {
        case .finished, .finishedAndEnded:
            if codes[index].arrived == nil { codes[index].arrived = now }
        case .ended:
            if codes[index].arrived == nil && codes[index].gone == nil { codes[index].gone = now }
        case .abandoned:
            if codes[index].abandonedAt == nil { codes[index].abandonedAt = now }
            if codes[index].holdsGlobal && codes[index].runs { real.global -= 1 }
            codes[index].holdsGlobal = false
        }
    }
}
