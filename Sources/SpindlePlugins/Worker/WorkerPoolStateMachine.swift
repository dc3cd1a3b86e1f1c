import DequeModule
import SpindleCore

/// All decisions of a pool of workers of one executor: no I/O, no clock, no locks.
///
/// Every call may add to ``takeActions()`` and ``takeEvents(now:)``.
struct WorkerPoolStateMachine {
    struct Attempt {
        let request: AttemptRequest
        let deadline: Int64
        var worker: WorkerID?
        var cancel: CancelReason?
        /// When its code was first asked to end.
        var cancelledAt: Int64?
        /// When it last said that it is alive.
        var heardAt: Int64 = 0
        /// Its result has been told.
        var isFinished = false
        /// Where its result lies in `events`, as long as those of the same batch have not been taken.
        var event = 0
        var eventBatch: UInt64 = 0
    }

    struct Worker {
        enum Phase: String { case starting, ready, retiring, condemned, ending }

        var phase = Phase.starting
        var label = ""
        var open: Set<AttemptToken> = []
        /// The suspect that it was started for, and the only attempt it will ever get.
        var reserved: AttemptToken?
        var isExclusive = false
        /// The host ended it: not a crash.
        var isEndedByHost = false
        /// It stopped answering.
        var isHung = false
        var idleSince: Int64 = 0
        var readyAt: Int64?
        /// Attempts that it was given.
        var started = 0
        /// When it was last looked at.
        var usage: WorkerUsage?
        var awaitedPong: UInt64?
    }

    let settings: WorkerPoolSettings
    /// What attempts ran in, for messages.
    let name: String

    var attempts: [AttemptToken: Attempt] = [:]
    var tokens: [AttemptKey: AttemptToken] = [:]
    var workers: [WorkerID: Worker] = [:]
    /// Ready workers with room, the one used last at the end.
    var available: [WorkerID] = []
    var waiting = Deque<AttemptToken>()
    var waitingSuspects = Deque<AttemptToken>()
    var questions: [UInt64: Job?] = [:]
    var isStopping = false
    var isWarmingUp = false
    /// The plugin gets no work for now.
    var isPaused = false
    var cancels = CancelLatency()
    var readiness = ExecutorReport.Readiness.unknown
    var checking: Checking?
    var checkIsDue = true
    var checkTimer: UInt64 = 0
    var isCheckPlanned = false
    var checkWaiters: [UInt64] = []
    var startFailures = 0
    var backoffUntil: Int64 = 0
    var backoffTimer: UInt64 = 0

    private(set) var actions: [WorkerPoolAction] = []
    private(set) var events: [AttemptEvent] = []
    private var batch: UInt64 = 1
    private var completions: [AttemptToken] = []
    // Below are tokens of instances.
    private var lastToken: AttemptToken = 15
    private var lastWorker: WorkerID = 0
    var lastNumber: UInt64 = 0

    init(name: String, settings: WorkerPoolSettings) {
        self.name = name
        self.settings = settings
    }

    // MARK: What the driver takes

    var hasNoActions: Bool { actions.isEmpty }

    mutating func takeActions() -> [WorkerPoolAction] {
        defer { actions.removeAll(keepingCapacity: true) }
        return actions
    }

    /// The events of this batch. Attempts that completed but whose code runs on get a bound for that.
    mutating func takeEvents(now: Int64) -> [AttemptEvent] {
        for token in completions {
            guard let attempt = attempts[token] else { continue }
            act(.timer(.grace(token), at: max(now, attempt.deadline) + settings.lingerTime))
        }
        completions.removeAll(keepingCapacity: true)
        batch += 1
        defer { events = [] }
        return events
    }

    mutating func act(_ action: WorkerPoolAction) { actions.append(action) }
    mutating func emit(_ event: AttemptEvent) { events.append(event) }

    // MARK: From the engine

    mutating func start(_ requests: [AttemptRequest], startedAt: Int64, now: Int64) {
        for request in requests {
            lastToken += 1
            let token = lastToken
            guard !isStopping, !isPaused, tokens[request.key] == nil else {
                emit(.finished(request.key, isStopping ? Self.stopped : Self.deferred, ranOn: nil, codeEnded: true))
                continue
            }
            let (deadline, overflow) = startedAt.addingReportingOverflow(request.policy.timeout)
            attempts[token] = Attempt(request: request, deadline: overflow ? .max : deadline)
            tokens[request.key] = token
            if request.isSuspect { waitingSuspects.append(token) } else { waiting.append(token) }
        }
        dispatch(now: now)
    }

    mutating func cancel(_ key: AttemptKey, reason: CancelReason, grace: Int64, now: Int64) {
        guard let token = tokens[key], var attempt = attempts[token], !attempt.isFinished else { return }
        attempt.cancel = attempt.cancel ?? reason
        attempts[token] = attempt
        guard let worker = attempt.worker else {
            finish(token, Self.result(of: reason), codeEnded: true)
            return
        }
        attempts[token]?.cancelledAt = attempt.cancelledAt ?? now
        act(.cancel(worker, token, reason, grace: max(grace, 0)))
        let (over, overflow) = now.addingReportingOverflow(max(grace, 0))
        if !overflow { act(.timer(.grace(token), at: over)) }
    }

    // MARK: From workers

    mutating func workerReady(_ id: WorkerID, pid: Int32, now: Int64) {
        guard var worker = workers[id], worker.phase == .starting else { return }
        startFailures = 0
        worker.phase = .ready
        worker.label = "worker \(pid)"
        worker.idleSince = now
        worker.readyAt = now
        workers[id] = worker
        act(.timer(.ping(id), at: now + settings.pingInterval))
        if let age = settings.recycle.age { act(.timer(.age(id), at: now + age)) }
        if let token = worker.reserved, attempts[token] != nil {
            assign(token, to: id, now: now)
        } else if worker.isExclusive {
            shutDown(id, now: now)
        } else {
            available.append(id)
            warmedUp(failure: nil)
            if let idle = settings.idleTime { act(.timer(.idle(id), at: now + idle)) }
            askWaiting(id)
        }
        dispatch(now: now)
        checkSoon(now: now)
    }

    mutating func completed(_ token: AttemptToken, by id: WorkerID, _ result: ExecutionResult, now: Int64) {
        guard var attempt = attempts[token], attempt.worker == id, !attempt.isFinished else { return }
        attempt.isFinished = true
        attempt.event = events.count
        attempt.eventBatch = batch
        attempts[token] = attempt
        completions.append(token)
        emit(.finished(attempt.request.key, result, ranOn: workers[id]?.label, codeEnded: false))
        endIfCondemnedIsDone(id, now: now)
    }

    mutating func released(_ token: AttemptToken, by id: WorkerID, now: Int64) {
        guard let attempt = attempts[token], attempt.worker == id, attempt.isFinished else { return }
        forget(token, attempt)
        codeEnded(attempt, now: now)
        if attempt.eventBatch == batch, case .finished(let key, let result, let ranOn, _) = events[attempt.event] {
            events[attempt.event] = .finished(key, result, ranOn: ranOn, codeEnded: true)
        } else {
            emit(.codeEnded(attempt.request.key))
        }
        guard let wasFull = remove(token, from: id, now: now) else { return }
        if isStopping || isPaused || settings.endsAfterAttempt || workers[id]?.isExclusive == true {
            if workers[id]?.open.isEmpty == true { shutDown(id, now: now) }
            if !waiting.isEmpty { dispatch(now: now) }
        } else if workers[id]?.phase == .ready {
            if wasFull { available.append(id) }
            if !waiting.isEmpty { dispatch(now: now) }
            checkSoon(now: now)
        } else {
            endIfCondemnedIsDone(id, now: now)
            endIfRetiringIsDone(id, now: now)
        }
    }

    mutating func pong(_ id: WorkerID, _ nonce: UInt64) {
        if workers[id]?.awaitedPong == nonce { workers[id]?.awaitedPong = nil }
    }

    /// The attempt that a worker speaks of; nil if it is not the worker's.
    func key(of token: AttemptToken, by id: WorkerID) -> AttemptKey? {
        guard let attempt = attempts[token], attempt.worker == id else { return nil }
        return attempt.request.key
    }

    /// Whether an attempt is the worker's and has no result yet.
    func isOpen(_ token: AttemptToken, by id: WorkerID) -> Bool {
        guard let attempt = attempts[token] else { return false }
        return attempt.worker == id && !attempt.isFinished
    }

    // MARK: Giving out work

    mutating func dispatch(now: Int64) {
        while !waiting.isEmpty, let id = available.last, let token = waiting.popFirst() {
            if attempts[token] != nil { assign(token, to: id, now: now) }
        }
        guard now >= backoffUntil, !isStopping, !isPaused else { return }
        while let token = waitingSuspects.popFirst() {
            guard attempts[token] != nil else { continue }
            let id = spawn(now: now)
            workers[id]?.reserved = token
            workers[id]?.isExclusive = true
        }
        var starting = 0
        var live = 0
        if !waiting.isEmpty {
            for worker in workers.values where !worker.isExclusive {
                if worker.phase == .starting { starting += 1 }
                if worker.phase == .starting || worker.phase == .ready { live += 1 }
            }
        }
        while waiting.count > starting * settings.attemptsPerWorker, live < settings.maxWorkers {
            _ = spawn(now: now)
            starting += 1
            live += 1
        }
    }

    mutating func spawn(now: Int64) -> WorkerID {
        lastWorker += 1
        workers[lastWorker] = Worker()
        act(.spawn(lastWorker))
        act(.timer(.start(lastWorker), at: now + settings.startTime))
        return lastWorker
    }

    private mutating func assign(_ token: AttemptToken, to id: WorkerID, now: Int64) {
        guard let attempt = attempts[token] else { return }
        attempts[token]?.worker = id
        workers[id]?.open.insert(token)
        workers[id]?.started += 1
        if let time = settings.heartbeatTime {
            attempts[token]?.heardAt = now
            act(.timer(.heartbeat(token), at: now + time))
        }
        if let worker = workers[id], worker.open.count >= settings.attemptsPerWorker, available.last == id {
            available.removeLast()
        }
        act(.start(id, token, attempt.request, deadline: attempt.deadline))
        if let worker = workers[id], !worker.isExclusive, isUsedUp(worker) {
            available.removeAll { $0 == id }
            workers[id]?.phase = .retiring
        }
    }

    /// - Returns: Whether the worker had no room before; nil if there is no such worker.
    private mutating func remove(_ token: AttemptToken, from id: WorkerID, now: Int64) -> Bool? {
        guard let count = workers[id]?.open.count else { return nil }
        workers[id]?.open.remove(token)
        if count == 1 { workers[id]?.idleSince = now }
        return count >= settings.attemptsPerWorker
    }

    private mutating func askWaiting(_ id: WorkerID) {
        for (number, job) in questions {
            guard let job else { continue }
            questions[number] = .some(nil)
            act(.ask(id, number, job))
        }
    }

    // MARK: Ending attempts

    mutating func finish(_ token: AttemptToken, _ result: ExecutionResult, codeEnded: Bool) {
        guard let attempt = attempts[token] else { return }
        let ranOn = attempt.worker.flatMap { workers[$0]?.label }
        if attempt.isFinished {
            if codeEnded { emit(.codeEnded(attempt.request.key)) }
        } else {
            emit(.finished(attempt.request.key, result, ranOn: ranOn, codeEnded: codeEnded))
        }
        if codeEnded { forget(token, attempt) } else { attempts[token]?.isFinished = true }
    }

    private mutating func forget(_ token: AttemptToken, _ attempt: Attempt) {
        attempts[token] = nil
        tokens[attempt.request.key] = nil
    }
}
