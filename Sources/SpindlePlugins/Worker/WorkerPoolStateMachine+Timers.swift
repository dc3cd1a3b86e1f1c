import Glibc
import SpindleCore

// Timers, heartbeats and questions.
extension WorkerPoolStateMachine {
    mutating func timerFired(_ timer: WorkerPoolTimer, now: Int64) {
        switch timer {
        case .start(let id):
            if workers[id]?.phase == .starting {
                startFailed(id, "it was not ready after \(settings.startTime / 1_000_000) s", isGone: false, now: now)
            }
        case .grace(let token): graceOver(token, now: now)
        case .kill(let id): if workers[id] != nil { terminate(id, signal: SIGKILL, now: now) }
        case .killInit(let id): if workers[id] != nil { act(.killInit(id)) }
        case .condemned(let id):
            if workers[id]?.phase == .condemned { terminate(id, signal: SIGKILL, now: now) }
        case .shutdown(let id):
            if workers[id] != nil { terminate(id, signal: SIGKILL, now: now) }
        case .idle(let id): idleOver(id, now: now)
        case .ping(let id): pingAgain(id, now: now)
        case .pong(let id, let nonce): pongMissed(id, nonce, now: now)
        case .backoff(let number): if number == backoffTimer { dispatch(now: now) }
        case .heartbeat(let token): heartbeatMissed(token, now: now)
        case .age(let id): ageOver(id, now: now)
        case .check(let number): checkOverdue(number, now: now)
        case .nextCheck(let number):
            if number == checkTimer {
                checkIsDue = true
                isCheckPlanned = false
                checkSoon(now: now)
            }
        case .question(let number): if questions.removeValue(forKey: number) != nil { act(.answer(number, false)) }
        }
    }

    // MARK: Idleness

    private mutating func idleOver(_ id: WorkerID, now: Int64) {
        guard let worker = workers[id], worker.phase == .ready, let idle = settings.idleTime else { return }
        if worker.open.isEmpty && now - worker.idleSince >= idle {
            shutDown(id, now: now)
        } else {
            act(.timer(.idle(id), at: (worker.open.isEmpty ? worker.idleSince : now) + idle))
        }
    }

    // MARK: Heartbeats

    private mutating func pingAgain(_ id: WorkerID, now: Int64) {
        // Also one at rest: a stopped one would hold the next attempt.
        guard let worker = workers[id], worker.phase == .ready || worker.phase == .retiring else { return }
        if worker.awaitedPong == nil { ping(id, now: now) }
        act(.measure(id))
        act(.timer(.ping(id), at: now + settings.pingInterval))
    }

    mutating func ping(_ id: WorkerID, now: Int64) {
        guard let worker = workers[id] else { return }
        lastNumber += 1
        workers[id]?.awaitedPong = lastNumber
        act(.ping(id, lastNumber))
        let wait = worker.phase == .condemned ? settings.condemnedPingTime : settings.pingTime
        act(.timer(.pong(id, lastNumber), at: now + wait))
    }

    /// An attempt has said that it is alive.
    mutating func heard(_ token: AttemptToken, by id: WorkerID, now: Int64) {
        if attempts[token]?.worker == id { attempts[token]?.heardAt = now }
    }

    private mutating func heartbeatMissed(_ token: AttemptToken, now: Int64) {
        guard let attempt = attempts[token], let time = settings.heartbeatTime, !attempt.isFinished, attempt.cancel == nil else {
            return
        }
        guard now - attempt.heardAt >= time else { return act(.timer(.heartbeat(token), at: attempt.heardAt + time)) }
        cancel(attempt.request.key, reason: .timeout, grace: settings.lingerTime, now: now)
        let result = ExecutionResult(
            class: .timedOut,
            errorCode: "spindle.heartbeat",
            errorMessage: "The attempt has said nothing for \(DurationText.text(time)) (heartbeatTimeout in the sidecar)."
        )
        finish(token, result, codeEnded: false)
        endIfCondemnedIsDone(attempt.worker ?? 0, now: now)
    }

    private mutating func pongMissed(_ id: WorkerID, _ nonce: UInt64, now: Int64) {
        guard let worker = workers[id], worker.awaitedPong == nonce, worker.phase != .ending else { return }
        workers[id]?.isHung = worker.phase == .ready || worker.phase == .retiring
        terminate(id, signal: SIGKILL, now: now)
    }

    // MARK: Questions

    /// Would the executor take this job? The answer comes as an action.
    mutating func ask(_ number: UInt64, _ job: Job, now: Int64) {
        guard !isStopping, !isPaused, now >= backoffUntil else {
            act(.answer(number, false))
            return
        }
        act(.timer(.question(number), at: now + settings.questionTime))
        if let id = available.last {
            questions[number] = .some(nil)
            act(.ask(id, number, job))
            return
        }
        questions[number] = job
        let isStarting = workers.values.contains { $0.phase == .starting && !$0.isExclusive }
        if !isStarting && workers.count < settings.maxWorkers { _ = spawn(now: now) }
    }

    mutating func answered(_ number: UInt64, _ yes: Bool) {
        if questions.removeValue(forKey: number) != nil { act(.answer(number, yes)) }
    }
}
