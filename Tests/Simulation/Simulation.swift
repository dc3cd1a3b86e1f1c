import HeapModule
import SpindleCore
import SpindleEngine

/// A promise that was broken, with what it takes to see it again.
package struct Violation: Sendable {
    package let invariant: String
    package let message: String
    package let seed: UInt64
    package let event: Int
}

/// One host, its store and its executors in virtual time, all drawn from one seed: the real dispatcher under faults that a test bench
/// would wait years for.
package final class Simulation {
    let seed: UInt64
    var random: SimRandom
    var now: Int64 = 0
    var eventCount = 0
    var eventLimit = 0
    var queue = Heap<SimEvent>()
    var machine: DispatcherStateMachine
    var store: SimStore
    var world: SimWorld
    var batches: [SimBatch] = []
    var freeBatches: [Int] = []
    var codes: [SimCode] = []
    /// Faults and new work come until this turns false; then everything must come to rest.
    var isTroubled = true
    /// Faults of the store come together: until then most batches fail.
    var outageUntil: Int64 = 0
    /// Grows with each start of the host.
    var life: Int32 = 0
    var loops = SimLoops()
    var real = SimCounts()
    var audit = SimAudit()
    package var violation: Violation?

    package init(seed: UInt64) {
        self.seed = seed
        random = SimRandom(seed: seed)
        world = SimWorld(&random)
        store = SimStore(types: world.types.count)
        store.open(isClean: true)
        machine = world.machine(epoch: store.epoch)
        real = SimCounts(world)
        audit = SimAudit(types: world.types.count)
    }

    var wall: Timestamp { SimStore.wall(now) }

    /// Runs so many events under faults, then until rest.
    package func run(events: Int) -> Violation? {
        eventLimit = events
        startHost()
        push(.driver, after: 0)
        while violation == nil, let event = queue.popMin() {
            now = max(now, event.at)
            eventCount += 1
            step(event)
            if eventCount & 31 == 0 { checkBooks() }
            if isTroubled && eventCount >= events { calmDown() }
            if !isTroubled && isAtRest { break }
            if eventCount > events + 60_000 { break }
        }
        if violation == nil { checkRest() }
        return violation
    }

    private func step(_ event: SimEvent) {
        switch event.kind {
        case .driver: return drive()
        case .deliver: return deliver(event)
        default: break
        }
        guard event.life == life else { return }
        switch event.kind {
        case .driver, .deliver: break
        case .alarm:
            audit.alarmsPending -= 1
            machine.timerFired(now: now, wall: wall) { random.next() }
            perform()
        case .commit: commit(event.subject)
        case .reply: reply(event.subject)
        case .settleAgain: settleStep()
        case .claimAgain: claimStep()
        case .promoteAgain: promoteStep()
        case .promoteDue: promoteDue(event.at)
        case .renew: send(.renew)
        case .codeDone: codeDone(event.subject)
        case .codeEnds: codeEnds(event.subject)
        case .codeKilled: codeKilled(event.subject)
        case .serveAgain: serveAgain(event.subject)
        case .drainTimeout:
            machine.cancelAll(reason: .shutdown, now: now, wall: wall, random: random.next())
            perform()
        case .closeAnyway: closeHost()
        }
    }

    func push(_ kind: SimEvent.Kind, after delay: Int64, _ subject: Int = 0, report: SimEvent.Report = .finishedAndEnded) {
        push(kind, at: now + delay, subject, report: report)
    }

    func push(_ kind: SimEvent.Kind, at: Int64, _ subject: Int = 0, report: SimEvent.Report = .finishedAndEnded) {
        let tie = UInt32(truncatingIfNeeded: random.next())
        queue.insert(
            SimEvent(at: max(at, now), tie: tie, kind: kind, subject: subject, life: life, report: report)
        )
    }

    /// Carries out what the dispatcher wants done after an input.
    func perform() {
        let actions = machine.takeActions(now: now, wall: wall)
        for start in actions.starts {
            for request in start.requests { begin(request, type: start.type) }
        }
        for cancel in actions.cancels { askToEnd(cancel.key, cancel.reason) }
        if actions.wakeSettles { wake(\.settle, .settleAgain) }
        if actions.wakeClaims { wake(\.claim, .claimAgain) }
        if let at = actions.timer {
            audit.alarms += 1
            audit.alarmsPending += 1
            push(.alarm, at: at)
        }
        if actions.isIdle && !loops.isClosing {
            loops.isClosing = true
            push(.closeAnyway, after: 0)
        }
        checkAfter(actions)
    }

    private func wake(_ loop: WritableKeyPath<SimLoops, SimLoops.Loop>, _ kind: SimEvent.Kind) {
        if loops[keyPath: loop].isBusy {
            loops[keyPath: loop].isWoken = true
        } else {
            loops[keyPath: loop].isBusy = true
            push(kind, after: random.between(0, 50))
        }
    }

    func broken(_ invariant: String, _ message: @autoclosure () -> String) {
        guard violation == nil else { return }
        violation = Violation(invariant: invariant, message: message(), seed: seed, event: eventCount)
    }
}

/// Which loops of the host are at work.
struct SimLoops {
    struct Loop {
        var isBusy = false
        /// Woken while it was busy: it looks once more.
        var isWoken = false
        var failures: Int32 = 0
    }

    var settle = Loop()
    var claim = Loop()
    var promote = Loop()
    /// When the promotion's alarm that counts is set for.
    var promoteArmed = Int64.max
    var isClosing = false
}
