import DequeModule
import SpindleCore

/// What an executor in the host's own process asks its surroundings to do.
enum InProcessAction {
    /// Hand an attempt to the plugin.
    case run(AttemptToken, AttemptRequest, deadline: Int64)
    /// Tell its code to end.
    case cancel(AttemptToken, CancelReason, grace: Int64)
    /// Call ``InProcessStateMachine/graceOver(_:now:)`` at a moment.
    case grace(AttemptToken, at: Int64)
    /// So many attempts more, or less, run on though they are over.
    case abandoned(Int)
    /// Nothing is left that could still end.
    case stopped
}

/// All decisions about the attempts of one executor in the host's own process: no I/O, no clock, no locks.
///
/// Code that does not end cannot be ended here: its attempt gets its result, and its thread is given up.
struct InProcessStateMachine {
    private struct Attempt {
        let request: AttemptRequest
        let deadline: Int64
        var isRunning = false
        var isFinished = false
        var isAbandoned = false
        var cancel: CancelReason?
    }

    /// Attempts at once; more wait.
    let limit: Int
    /// What an attempt that has completed is given, after its deadline, to end its code too; and all at the end.
    let lingerTime: Int64
    /// Tokens count up from here.
    let firstToken: AttemptToken

    private var attempts: [AttemptToken: Attempt] = [:]
    private var tokens: [AttemptKey: AttemptToken] = [:]
    private var waiting = Deque<AttemptToken>()
    private var running = 0
    private var count: UInt64 = 0
    private var isStopping = false
    private var hasStopped = false
    private var unreleased: [AttemptToken: Int] = [:]
    private(set) var actions: [InProcessAction] = []
    private var events: [AttemptEvent] = []

    init(limit: Int, firstToken: AttemptToken, lingerTime: Int64) {
        self.limit = limit
        self.firstToken = firstToken
        self.lingerTime = lingerTime
    }

    mutating func takeActions() -> [InProcessAction] {
        defer { actions = [] }
        return actions
    }

    mutating func takeEvents(now: Int64) -> [AttemptEvent] {
        for token in unreleased.keys {
            guard let attempt = attempts[token] else { continue }
            actions.append(.grace(token, at: max(now, attempt.deadline) + lingerTime))
        }
        unreleased.removeAll(keepingCapacity: true)
        defer { events = [] }
        return events
    }

    mutating func emit(_ event: AttemptEvent) { events.append(event) }

    /// Nothing runs that could still end.
    var isIdle: Bool { attempts.values.allSatisfy(\.isAbandoned) }

    func key(of token: AttemptToken) -> AttemptKey? { attempts[token]?.request.key }

    // MARK: From the engine

    /// - Parameter refusal: Why nothing new is taken, if so.
    mutating func start(_ requests: [AttemptRequest], startedAt: Int64, refusal: ExecutionResult?) {
        for request in requests {
            if isStopping || refusal != nil || tokens[request.key] != nil {
                let result = isStopping ? WorkerPoolStateMachine.stopped : refusal ?? WorkerPoolStateMachine.stopped
                emit(.finished(request.key, result, ranOn: nil, codeEnded: true))
                continue
            }
            count += 1
            let token = firstToken + count
            let (deadline, overflow) = startedAt.addingReportingOverflow(request.policy.timeout)
            attempts[token] = Attempt(request: request, deadline: overflow ? .max / 2 : deadline)
            tokens[request.key] = token
            waiting.append(token)
        }
        dispatch()
    }

    mutating func cancel(_ key: AttemptKey, reason: CancelReason, grace: Int64, now: Int64) {
        guard let token = tokens[key], var attempt = attempts[token], !attempt.isFinished else { return }
        attempt.cancel = attempt.cancel ?? reason
        attempts[token] = attempt
        guard attempt.isRunning else {
            forget(token, attempt)
            let result = WorkerPoolStateMachine.result(of: reason)
            emit(.finished(key, result, ranOn: nil, codeEnded: true))
            return
        }
        let grace = max(grace, 0)
        actions.append(.cancel(token, reason, grace: grace))
        let (over, overflow) = now.addingReportingOverflow(grace)
        if !overflow { actions.append(.grace(token, at: over)) }
    }

    // MARK: From the plugin

    mutating func completed(_ token: AttemptToken, _ result: ExecutionResult) {
        guard let attempt = attempts[token], attempt.isRunning, !attempt.isFinished else { return }
        attempts[token]?.isFinished = true
        unreleased[token] = events.count
        emit(.finished(attempt.request.key, result, ranOn: "host", codeEnded: false))
    }

    mutating func released(_ token: AttemptToken) {
        guard let attempt = attempts[token], attempt.isRunning, attempt.isFinished else { return }
        forget(token, attempt)
        running -= 1
        if attempt.isAbandoned { actions.append(.abandoned(-1)) }
        if let index = unreleased.removeValue(forKey: token), case .finished(let key, let result, let on, _) = events[index] {
            events[index] = .finished(key, result, ranOn: on, codeEnded: true)
        } else {
            emit(.codeEnded(attempt.request.key))
        }
        dispatch()
        finishStopping()
    }

    /// The grace of a cancelled attempt, or of one whose code runs on after it completed, is over.
    mutating func graceOver(_ token: AttemptToken) {
        guard let attempt = attempts[token], !attempt.isAbandoned else { return }
        if !attempt.isFinished {
            let result = WorkerPoolStateMachine.result(of: attempt.cancel ?? .timeout)
            emit(.finished(attempt.request.key, result, ranOn: "host", codeEnded: false))
        }
        attempts[token]?.isFinished = true
        attempts[token]?.isAbandoned = true
        emit(.abandoned(attempt.request.key))
        actions.append(.abandoned(1))
        finishStopping()
    }

    mutating func stop(grace: Int64, now: Int64) {
        guard !isStopping else { return }
        isStopping = true
        for attempt in attempts.values where !attempt.isAbandoned {
            cancel(attempt.request.key, reason: .shutdown, grace: grace, now: now)
        }
        for (token, attempt) in attempts where attempt.isFinished && !attempt.isAbandoned {
            actions.append(.grace(token, at: now + grace))
        }
        waiting.removeAll()
        finishStopping()
    }

    // MARK: Inside

    private mutating func dispatch() {
        while running < limit, let token = waiting.popFirst() {
            guard let attempt = attempts[token] else { continue }
            running += 1
            attempts[token]?.isRunning = true
            actions.append(.run(token, attempt.request, deadline: attempt.deadline))
        }
    }

    private mutating func forget(_ token: AttemptToken, _ attempt: Attempt) {
        attempts[token] = nil
        tokens[attempt.request.key] = nil
    }

    private mutating func finishStopping() {
        guard isStopping, !hasStopped, attempts.values.allSatisfy(\.isAbandoned) else { return }
        hasStopped = true
        actions.append(.stopped)
    }
}
