import Glibc
import SpindleCore

// The plugin's `check`: is what an instance needs there? Jobs come whatever it says.
extension WorkerPoolStateMachine {
    /// A check under way.
    struct Checking {
        let worker: WorkerID
        let number: UInt64
        /// It took too long, and was told so.
        var isOverdue = false
    }

    /// Somebody wants to know now; the answer comes as an action.
    mutating func check(_ number: UInt64, now: Int64) {
        guard settings.canCheck else { return act(.checkAnswer(number, .ready)) }
        guard !isStopping, !isPaused else {
            return act(.checkAnswer(number, .notReady("it takes no work")))
        }
        checkWaiters.append(number)
        checkIsDue = true
        checkSoon(now: now)
        if checking == nil && !workers.values.contains(where: { $0.phase == .starting && !$0.isExclusive }) {
            // No worker has a moment for it: one more is started.
            _ = spawn(now: now)
        }
    }

    /// Begins a check that is due in a worker that has a moment for it.
    mutating func checkSoon(now: Int64) {
        guard settings.canCheck, checkIsDue, checking == nil, !isStopping else { return }
        // A worker that was just at work may be wanted again at once: a check must not cost the next attempt its worker.
        let rest = checkWaiters.isEmpty ? settings.checkRest : 0
        let candidates =
            settings.attemptsPerWorker > 1
            ? available : available.filter { id in workers[id].map { $0.open.isEmpty && now - $0.idleSince >= rest } ?? false }
        guard let id = candidates.first else {
            if !available.isEmpty && !isCheckPlanned { planCheck(at: now + settings.checkRest) }
            return
        }
        checkIsDue = false
        lastNumber += 1
        checking = Checking(worker: id, number: lastNumber)
        // One that has a single attempt at a time has none beside a check.
        if settings.attemptsPerWorker == 1 { available.removeAll { $0 == id } }
        act(.check(id))
        act(.timer(.check(lastNumber), at: now + settings.checkTime))
    }

    /// A worker has answered.
    mutating func checked(_ id: WorkerID, _ readiness: ExecutorReport.Readiness, now: Int64) {
        guard let check = checking, check.worker == id else { return }
        checking = nil
        settle(readiness, now: now)
        guard let worker = workers[id] else { return }
        if worker.phase == .ready, settings.attemptsPerWorker == 1, worker.open.isEmpty, !available.contains(id) {
            available.append(id)
            dispatch(now: now)
        }
        endIfRetiringIsDone(id, now: now)
    }

    mutating func checkOverdue(_ number: UInt64, now: Int64) {
        guard let check = checking, check.number == number, !check.isOverdue else { return }
        checking?.isOverdue = true
        settle(.notReady("check did not answer within \(DurationText.text(settings.checkTime))"), now: now)
        // Beside others it holds one thread; alone it holds the worker.
        if settings.attemptsPerWorker == 1 { terminate(check.worker, signal: SIGKILL, now: now) }
        endIfRetiringIsDone(check.worker, now: now)
    }

    /// The worker of a check has died.
    ///
    /// - Parameter isEndedByHost: It says nothing about what the plugin needs then.
    mutating func checkLost(_ id: WorkerID, _ reason: String, isEndedByHost: Bool, now: Int64) {
        guard let check = checking, check.worker == id else { return }
        checking = nil
        if !check.isOverdue { settle(isEndedByHost ? readiness : .notReady(reason), now: now) }
    }

    /// No worker could be started in which somebody's check could run.
    mutating func checkFailed(_ reason: String, now: Int64) {
        if !checkWaiters.isEmpty { settle(.notReady("no worker could be started: \(reason)"), now: now) }
    }

    /// Whether a worker is at a check that may still end in time.
    func isAtCheck(_ id: WorkerID) -> Bool { checking.map { $0.worker == id && !$0.isOverdue } ?? false }

    private mutating func settle(_ found: ExecutorReport.Readiness, now: Int64) {
        if found != readiness, case .notReady(let reason) = found { act(.note("\(name) is not ready: \(reason)")) }
        if case .notReady = readiness, found == .ready { act(.note("\(name) is ready again")) }
        readiness = found
        for number in checkWaiters { act(.checkAnswer(number, found)) }
        checkWaiters = []
        planCheck(at: now + settings.checkInterval)
    }

    private mutating func planCheck(at moment: Int64) {
        isCheckPlanned = true
        lastNumber += 1
        checkTimer = lastNumber
        act(.timer(.nextCheck(lastNumber), at: moment))
    }
}
