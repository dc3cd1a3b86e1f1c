import DequeModule
import Glibc
import SpindleCore

// How workers fail, are condemned, killed, and die.
extension WorkerPoolStateMachine {
    static let stopped = ExecutionResult(
        class: .interrupted,
        errorCode: "spindle.shutdown",
        errorMessage: "The plugin host is stopping."
    )

    static let deferred = ExecutionResult(
        class: .deferred,
        errorCode: "spindle.plugin.quarantined",
        errorMessage: "The plugin is quarantined; the execution waits until it is released."
    )

    /// What an attempt gets whose code was ended because of a cancel.
    static func result(of reason: CancelReason) -> ExecutionResult {
        switch reason {
        case .user:
            ExecutionResult(
                class: .cancelled,
                errorCode: "spindle.cancelled",
                errorMessage: "The attempt was cancelled."
            )
        case .timeout:
            ExecutionResult(
                class: .timedOut,
                errorCode: "spindle.timeout",
                errorMessage: "The attempt did not end before its deadline."
            )
        case .shutdown, .leaseLost: stopped
        }
    }

    // MARK: Workers that do not start

    /// The worker could not be started, or its plugin or instance failed in it.
    ///
    /// - Parameter isGone: No process is left that would report its death.
    mutating func startFailed(_ id: WorkerID, _ reason: String, isGone: Bool, now: Int64) {
        guard let worker = workers[id], worker.phase == .starting else { return }
        if isGone {
            workers[id] = nil
        } else {
            terminate(id, signal: SIGKILL, now: now)
        }
        let wait = min(settings.firstBackoff << min(startFailures, 20), settings.maxBackoff)
        startFailures += 1
        backoffUntil = now + wait
        lastNumber += 1
        backoffTimer = lastNumber
        act(.timer(.backoff(lastNumber), at: backoffUntil))
        act(.note("A worker for \(name) did not start: \(reason)"))
        let result = ExecutionResult(
            class: .retryable,
            errorCode: "spindle.worker.start",
            errorMessage: "No worker for \(name) could be started: \(reason)",
            retryAfter: wait
        )
        if !worker.isExclusive { warmedUp(failure: reason) }
        if let token = worker.reserved { finish(token, result, codeEnded: true) }
        let hope = workers.values.contains { ($0.phase == .starting || $0.phase == .ready) && !$0.isExclusive }
        if !hope && !worker.isExclusive {
            while let token = waiting.popFirst() { finish(token, result, codeEnded: true) }
            checkFailed(reason, now: now)
        }
        finishStopping()
    }

    // MARK: Ending workers

    /// Lets a worker without attempts end by itself.
    mutating func shutDown(_ id: WorkerID, now: Int64) {
        guard let worker = workers[id], worker.phase != .ending else { return }
        workers[id]?.phase = .ending
        workers[id]?.isEndedByHost = true
        available.removeAll { $0 == id }
        act(.shutdown(id))
        act(.timer(.shutdown(id), at: now + settings.shutdownTime))
    }

    /// Ends everything in a worker.
    mutating func terminate(_ id: WorkerID, signal: Int32, now: Int64) {
        guard workers[id] != nil else { return }
        workers[id]?.phase = .ending
        workers[id]?.isEndedByHost = true
        available.removeAll { $0 == id }
        act(.signal(id, signal))
        if signal == SIGKILL {
            act(.timer(.killInit(id), at: now + 2_000_000))
        } else {
            act(.timer(.kill(id), at: now + settings.killDelay))
        }
    }

    /// The grace of a cancelled attempt, or of one whose code runs on after it completed, is over.
    mutating func graceOver(_ token: AttemptToken, now: Int64) {
        guard let attempt = attempts[token], let id = attempt.worker, let worker = workers[id] else { return }
        finish(token, Self.result(of: attempt.cancel ?? .timeout), codeEnded: false)
        switch worker.phase {
        case .ready, .retiring:
            wasIgnored(attempt)
            if hasOthers(id) { condemn(id, now: now) } else { terminate(id, signal: SIGTERM, now: now) }
        case .condemned: endIfCondemnedIsDone(id, now: now)
        case .starting, .ending: break
        }
    }

    /// Gives a worker no new attempts; it is killed when those that it has end, or soon.
    private mutating func condemn(_ id: WorkerID, now: Int64) {
        workers[id]?.phase = .condemned
        available.removeAll { $0 == id }
        act(.timer(.condemned(id), at: now + settings.condemnedTime))
        ping(id, now: now)
        dispatch(now: now)
    }

    /// Whether it has attempts that are not over.
    private func hasOthers(_ id: WorkerID) -> Bool {
        workers[id]?.open.contains { attempts[$0]?.isFinished == false } ?? false
    }

    mutating func endIfCondemnedIsDone(_ id: WorkerID, now: Int64) {
        guard let worker = workers[id], worker.phase == .condemned, !hasOthers(id) else { return }
        if worker.open.isEmpty { shutDown(id, now: now) } else { terminate(id, signal: SIGTERM, now: now) }
    }

    // MARK: Death

    /// A worker and all its processes' results are over.
    mutating func workerDied(_ id: WorkerID, _ death: WorkerDeath, now: Int64) {
        guard let worker = workers[id] else { return }
        if worker.phase == .starting {
            act(.crashed("a worker of \(name) while it was starting, \(death.full)"))
            startFailed(id, "it ended while starting: \(death.text)", isGone: true, now: now)
            return
        }
        available.removeAll { $0 == id }
        let open = worker.open.filter { attempts[$0]?.isFinished == false }
        let culprit = worker.isEndedByHost && !worker.isHung ? nil : Self.culprit(worker, open, death)
        if !worker.isEndedByHost || worker.isHung { act(.crashed(describe(worker, culprit, death))) }
        checkLost(id, death.text, isEndedByHost: worker.isEndedByHost && !worker.isHung, now: now)
        for token in worker.open {
            if let attempt = attempts[token] { codeEnded(attempt, now: now) }
            finish(token, fate(of: token, in: worker, culprit: culprit, death), codeEnded: true)
        }
        workers[id] = nil
        if !worker.isEndedByHost || worker.isHung {
            act(.note("The worker of \(name) (\(worker.label)) ended: \(death.text)"))
        }
        dispatch(now: now)
        finishStopping()
    }

    /// The attempt whose code took the worker down, if exactly one can be named.
    static func culprit(_ worker: Worker, _ open: Set<AttemptToken>, _ death: WorkerDeath) -> AttemptToken? {
        if let token = death.crash?.token, open.contains(token) { return token }
        // One that ran alone is to blame, whoever's thread it was.
        if worker.isExclusive, open.count == 1 { return open.first }
        let named = Set(death.suspects).intersection(worker.open)
        guard !death.isIncomplete, named.count == 1, let token = named.first, open.contains(token) else { return nil }
        return token
    }

    private func describe(_ worker: Worker, _ culprit: AttemptToken?, _ death: WorkerDeath) -> String {
        let end = worker.isHung ? "it did not answer and was killed" : death.full
        if let culprit, let key = attempts[culprit]?.request.key {
            return "attempt \(key.attempt) of execution \(key.execution) took \(worker.label) down, \(end)"
        }
        return "\(worker.label) of \(name), \(worker.open.isEmpty ? "at rest" : "nobody to blame"), \(end)"
    }

    private func fate(
        of token: AttemptToken,
        in worker: Worker,
        culprit: AttemptToken?,
        _ death: WorkerDeath
    ) -> ExecutionResult {
        if token == culprit {
            var text = "The executor's code took \(worker.label) down: \(death.text)"
            if worker.isHung { text = "The executor's code stopped \(worker.label): it did not answer and was killed." }
            var result = ExecutionResult(class: .crashed, errorCode: "spindle.worker.crashed", errorMessage: text)
            result.stackTrace = death.stackTrace
            result.details = death.details
            return result
        }
        if worker.isEndedByHost, !worker.isHung, let reason = attempts[token]?.cancel { return Self.result(of: reason) }
        if isStopping { return Self.stopped }
        return ExecutionResult(
            class: .interrupted,
            errorCode: "spindle.worker.lost",
            errorMessage: worker.isEndedByHost
                ? "\(worker.label) was ended because another attempt in it did not end."
                : "\(worker.label) ended while several attempts were open: \(death.text)"
        )
    }

    // MARK: The end of the pool

    mutating func stop(now: Int64) {
        guard !isStopping else { return }
        isStopping = true
        warmedUp(failure: "the plugin host is stopping")
        for token in Array(waiting) + Array(waitingSuspects) { finish(token, Self.stopped, codeEnded: true) }
        waiting.removeAll()
        waitingSuspects.removeAll()
        for number in questions.keys.sorted() { act(.answer(number, false)) }
        questions = [:]
        for number in checkWaiters { act(.checkAnswer(number, .notReady("the plugin host is stopping"))) }
        checkWaiters = []
        for (id, worker) in workers {
            switch worker.phase {
            case .starting:
                if let token = worker.reserved { finish(token, Self.stopped, codeEnded: true) }
                terminate(id, signal: SIGKILL, now: now)
            case .ready, .retiring, .condemned:
                if worker.open.isEmpty { shutDown(id, now: now) }
                for token in worker.open {
                    guard let attempt = attempts[token] else { continue }
                    cancel(attempt.request.key, reason: .shutdown, grace: settings.stopGrace, now: now)
                    if attempt.isFinished { act(.timer(.grace(token), at: now + settings.stopGrace)) }
                }
            case .ending: break
            }
        }
        finishStopping()
    }

    private mutating func finishStopping() {
        if isStopping && workers.isEmpty { act(.stopped) }
    }
}
