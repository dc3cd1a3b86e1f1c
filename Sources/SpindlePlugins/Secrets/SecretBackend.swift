import SpindleCore
import Synchronization

/// Gives attempts the secrets that they refer to; none begins that refers to what it may not have.
///
/// Files are read on a thread of their own. A changed secret of the configuration gives the executor new workers; the old ones end
/// with their attempts.
final class SecretBackend: AttemptBackend {
    /// The workers of one state of the configuration's secrets.
    struct Generation: Sendable {
        let backend: any AttemptBackend
        let secrets: InstanceSecrets
    }

    private struct State {
        /// Attempts whose secrets are being read, with the wish to end that came meanwhile.
        var pending: [AttemptKey: CancelReason?] = [:]
        var current: Generation
        var draining: [Generation] = []
        /// Told to end; kept for a while, so that the host's end waits for theirs.
        var retired: ArraySlice<Generation> = []
        var isStopping = false
        /// Told once no attempt waits for its secrets.
        var drainWaiters: [@Sendable () -> Void] = []
    }

    private let executor: ExecutorSecrets
    /// The secrets of the configuration.
    private let names: [String]
    private let sink: EventSink
    private let first: Generation
    private let remake: (@Sendable (InstanceSecrets) -> any AttemptBackend)?
    private let state: Mutex<State>
    private let threads = ThreadPool(name: "spindle-secrets", limit: 4)

    /// - Parameters:
    ///   - names: What the configuration refers to.
    ///   - first: The first workers.
    ///   - remake: Makes others; nil if there can be none, because the code is a part of the host.
    init(
        _ executor: ExecutorSecrets,
        names: [String],
        sink: EventSink,
        first: Generation,
        remake: (@Sendable (InstanceSecrets) -> any AttemptBackend)?
    ) {
        self.executor = executor
        self.names = names
        self.sink = sink
        self.first = first
        self.remake = remake
        state = Mutex(State(current: first))
        executor.onEnded { [weak self] keys in self?.ended(keys) }
    }

    var restartReason: String? { first.backend.restartReason }

    func start(_ attempts: [AttemptRequest], now: Int64) {
        var plain: [AttemptRequest] = []
        var waiting: [(AttemptRequest, [String])] = []
        var refused: [AttemptEvent] = []
        for attempt in attempts {
            do throws(SecretFailure) {
                let own = try references(attempt)
                if own.isEmpty && names.isEmpty { plain.append(attempt) } else { waiting.append((attempt, own)) }
            } catch {
                refused.append(.finished(attempt.key, error.result, ranOn: nil, codeEnded: true))
            }
        }
        // Without secrets of the configuration there is one generation for ever.
        if !plain.isEmpty { first.backend.start(plain, now: now) }
        if !refused.isEmpty { sink.send(refused) }
        guard !waiting.isEmpty else { return }
        let isStopping = state.withLock { state in
            if !state.isStopping { for (attempt, _) in waiting { state.pending[attempt.key] = .some(nil) } }
            return state.isStopping
        }
        if isStopping { return sink.refuse(waiting.map(\.0)) }
        threads.submit(waiting.map { attempt, own in { [self] in resolve(attempt, own, now) } })
    }

    /// What the parameters of an attempt refer to, each once.
    private func references(_ attempt: AttemptRequest) throws(SecretFailure) -> [String] {
        var result: [String] = []
        for entry in attempt.parameters.entries {
            switch SecretReference(in: entry.value) {
            case .none: continue
            case .malformed(let name): throw .malformed(name)
            case .name(let name):
                guard executor.granted.contains(name) else { throw .denied(name, plugin: executor.plugin) }
                if !result.contains(name) { result.append(name) }
            }
        }
        return result
    }

    /// On a thread that may block.
    private func resolve(_ attempt: AttemptRequest, _ own: [String], _ now: Int64) {
        let values: Result<(own: [NamedSecret], instance: [NamedSecret]), SecretFailure> = Result { () throws(SecretFailure) in
            (try executor.resolve(own), try executor.resolve(names))
        }
        let event = state.withLock { state -> AttemptEvent? in
            guard let wish = state.pending.removeValue(forKey: attempt.key) else { return nil }
            if let reason = wish {
                return .finished(attempt.key, WorkerPoolStateMachine.result(of: reason), ranOn: nil, codeEnded: true)
            }
            switch values {
            case .failure(let failure): return .finished(attempt.key, failure.result, ranOn: nil, codeEnded: true)
            case .success(let values):
                use(values.instance, &state)
                state.current.secrets.begin(attempt.key, values.own)
                // Under the lock: a wish to end must not overtake it.
                state.current.backend.start([attempt], now: now)
                return nil
            }
        }
        if let event { sink.send([event]) }
        tellDrained()
    }

    private func tellDrained() {
        let waiters = state.withLock { state in
            defer { if state.pending.isEmpty { state.drainWaiters = [] } }
            return state.pending.isEmpty ? state.drainWaiters : []
        }
        for waiter in waiters { waiter() }
    }

    /// Lets the secrets of the configuration be these from now on.
    private func use(_ values: [NamedSecret], _ state: inout State) {
        let known = state.current.secrets.instance
        if known.isEmpty {
            state.current.secrets.instance = values
        } else if !zip(known, values).allSatisfy({ $0.value.isSame(as: $1.value) }), let remake {
            let secrets = InstanceSecrets(executor)
            secrets.instance = values
            state.draining.append(state.current)
            state.current = Generation(backend: remake(secrets), secrets: secrets)
            retire(&state)
        }
    }

    /// Ends the workers of old generations that have no attempts any more.
    private func retire(_ state: inout State) {
        let (over, rest) = (state.draining.filter { $0.secrets.open == 0 }, state.draining.filter { $0.secrets.open > 0 })
        for old in over { old.backend.stop {} }
        state.draining = rest
        state.retired = (state.retired + over).suffix(8)
    }

    private func ended(_ keys: [AttemptKey]) {
        state.withLock { state in
            for generation in [state.current] + state.draining {
                for key in keys { generation.secrets.end(key) }
            }
            retire(&state)
        }
    }

    func cancel(_ key: AttemptKey, reason: CancelReason, grace: Int64) {
        state.withLock { state in
            if let wish = state.pending[key] {
                state.pending[key] = .some(wish ?? reason)
            } else {
                // Whoever does not have it does nothing.
                for generation in [state.current] + state.draining {
                    generation.backend.cancel(key, reason: reason, grace: grace)
                }
            }
        }
    }

    func canExecute(_ job: Job, _ reply: @escaping @Sendable (Bool) -> Void) {
        withWorkers({ _ in reply(false) }, { $0.canExecute(job, reply) })
    }

    func warmUp(_ reply: @escaping @Sendable (String?) -> Void) {
        withWorkers({ reply($0.message) }, { $0.warmUp(reply) })
    }

    func check(_ reply: @escaping @Sendable (ExecutorReport.Readiness) -> Void) {
        withWorkers({ _ in reply(.unknown) }, { $0.check(reply) })
    }

    func report(_ reply: @escaping @Sendable (ExecutorReport?) -> Void) {
        state.withLock { $0.current.backend }.report(reply)
    }

    func whenDrained(_ done: @escaping @Sendable () -> Void) {
        let hasPending = state.withLock { state in
            if !state.pending.isEmpty { state.drainWaiters.append { [self] in whenDrained(done) } }
            return !state.pending.isEmpty
        }
        if hasPending { return }
        let generations = state.withLock { [$0.current] + $0.draining }
        let count = Countdown(generations.count, done)
        for generation in generations { generation.backend.whenDrained { count.one() } }
    }

    /// Uses the workers that have the configuration's secrets as they are now: what asks may be what starts one.
    private func withWorkers(
        _ failed: @escaping @Sendable (SecretFailure) -> Void,
        _ body: @escaping @Sendable (any AttemptBackend) -> Void
    ) {
        guard !names.isEmpty else { return body(first.backend) }
        threads.submit { [self] in
            do throws(SecretFailure) {
                let values = try executor.resolve(names)
                let backend = state.withLock { state in
                    use(values, &state)
                    return state.current.backend
                }
                body(backend)
            } catch {
                failed(error)
            }
        }
    }

    func stop(_ done: @escaping @Sendable () -> Void) {
        let (pending, generations) = state.withLock { state in
            defer { state.pending = [:] }
            state.isStopping = true
            return (Array(state.pending.keys), [state.current] + state.draining + state.retired)
        }
        sink.send(pending.map { .finished($0, WorkerPoolStateMachine.stopped, ranOn: nil, codeEnded: true) })
        tellDrained()
        let count = Countdown(generations.count, done)
        for generation in generations { generation.backend.stop { count.one() } }
    }

    /// Calls back when it was told so often.
    private final class Countdown: Sendable {
        private let left: Atomic<Int>
        private let done: @Sendable () -> Void

        init(_ count: Int, _ done: @escaping @Sendable () -> Void) {
            left = Atomic(count)
            self.done = done
        }

        func one() { if left.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { done() } }
    }
}
