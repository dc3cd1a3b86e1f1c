import SpindleCore
import Synchronization

/// A lock around ``DispatcherStateMachine`` and the running of its actions, in the order in which they were decided.
final class Dispatcher: Sendable {
    private struct State {
        var machine: DispatcherStateMachine
        var places = ExecutorPlaces()
        var outbox: [Order] = []
        var isRunningActions = false
    }

    /// What waits to be carried out, in the order in which it was decided.
    private enum Order {
        case actions(DispatcherActions)
        /// All that was decided before has been carried out.
        case reached(@Sendable () -> Void)
    }

    private let state: Mutex<State>
    private let clock: any AlarmClock
    private let random: any RandomSource
    private let grace: Int64
    /// Woken when there is something to settle, to claim.
    let settles = WakeUp()
    let claims = WakeUp()
    /// Opens when the host drains and nothing is left to do.
    private let idle = Gate()

    init(lease: HostLease, settings: EngineConfiguration, clock: any AlarmClock, random: any RandomSource) {
        state = Mutex(State(machine: DispatcherStateMachine(lease: lease, settings: settings)))
        self.clock = clock
        self.random = random
        grace = settings.cancelGrace
    }

    /// Changes or asks the machine, then runs what it wants done.
    @discardableResult
    func update<Answer>(_ body: (inout DispatcherStateMachine, Int64, Timestamp) -> Answer) -> Answer {
        updateState { state, now, wall in body(&state.machine, now, wall) }
    }

    private func updateState<Answer>(_ body: (inout State, Int64, Timestamp) -> Answer) -> Answer {
        let (answer, isRunner) = state.withLock { state in
            // Read inside the lock, so that time never goes backwards between two inputs.
            let now = clock.monotonic
            let wall = clock.now
            let answer = body(&state, now, wall)
            state.outbox.append(.actions(state.machine.takeActions(now: now, wall: wall)))
            let isRunner = !state.isRunningActions
            state.isRunningActions = true
            return (answer, isRunner)
        }
        if isRunner { runActions() }
        return answer
    }

    /// Makes an executor serve its type.
    func serve(_ executor: any BatchExecutor) -> ExecutorRegistration {
        let descriptor = executor.descriptor
        // The executor is in its place before the machine may start anything on it.
        let registration = state.withLock { state in
            state.places.add(executor, type: state.machine.index(ofType: descriptor.type))
        }
        executor.reportPauses { [weak self] in self?.lookAtPause(registration) }
        open(executor)
        return registration
    }

    /// Makes an executor that was replaced, or whose type was withdrawn, serve again.
    func restore(_ registration: ExecutorRegistration) {
        guard let executor = state.withLock({ $0.places.putLast(registration) }) else { return }
        open(executor)
    }

    private func open(_ executor: any BatchExecutor) {
        let descriptor = executor.descriptor
        update { machine, _, _ in
            machine.serve(descriptor)
            machine.pause(type: descriptor.type, executor.pauseReason != nil)
            machine.workIsReady(type: descriptor.type)
        }
    }

    /// The executor of that name; nil if it was forgotten.
    func executor(_ registration: ExecutorRegistration) -> (any BatchExecutor)? {
        state.withLock { $0.places.executor(registration) }
    }

    /// The executor that serves a type; nil if none does.
    func registration(ofType name: String) -> ExecutorRegistration? {
        state.withLock { state in
            guard let index = state.machine.typeIndexes[name], state.machine.types[index].isServed else { return nil }
            return state.places.last(index)
        }
    }

    /// Whether new attempts of its type go to this executor.
    func isServing(_ registration: ExecutorRegistration) -> Bool {
        state.withLock { $0.places.isLast(registration) && $0.machine.types[registration.type].isServed }
    }

    /// No event of an executor concerns this host any more, and no cancel goes to it.
    func forget(_ registration: ExecutorRegistration) {
        state.withLock { $0.places.remove(registration) }
    }

    /// Waits until all that is decided so far has been carried out: an executor that was replaced gets no start after that.
    func waitUntilCarriedOut() async {
        await withCheckedContinuation { continuation in
            let isRunner = state.withLock { state in
                state.outbox.append(.reached { continuation.resume() })
                defer { state.isRunningActions = true }
                return !state.isRunningActions
            }
            if isRunner { runActions() }
        }
    }

    /// Asks the executor of a type whether it takes attempts; what one that was replaced says counts no more.
    private func lookAtPause(_ registration: ExecutorRegistration) {
        updateState { state, _, _ in
            guard state.places.isLast(registration), let executor = state.places.executor(registration) else { return }
            let type = executor.descriptor.type
            // Asked within the lock: of two changes at once the last word counts.
            state.machine.pause(type: type, executor.pauseReason != nil)
            state.machine.workIsReady(type: type)
        }
    }

    func randomWord() -> UInt64 { random.next() }

    /// A batch of unknown fate: the claim loop finds out what it did, once the store works again.
    func fateUnknown() { update { machine, _, _ in machine.fateUnknown() } }

    /// Waits, after ``DispatcherStateMachine/drain()``, until nothing runs and nothing is left to settle.
    func waitUntilIdle() async { await idle.wait() }

    /// Stops waiting for idleness.
    func stopWaitingForIdle() { idle.open() }

    /// Only one thread runs actions at a time: a cancel decided after a start never overtakes it.
    private func runActions() {
        while true {
            let (orders, places) = state.withLock { state -> ([Order], ExecutorPlaces) in
                if state.outbox.isEmpty { state.isRunningActions = false }
                defer { state.outbox.removeAll(keepingCapacity: true) }
                return (state.outbox, state.places)
            }
            if orders.isEmpty { return }
            for order in orders {
                switch order {
                case .actions(let actions): run(actions, places)
                case .reached(let body): body()
                }
            }
        }
    }

    private func run(_ actions: DispatcherActions, _ places: ExecutorPlaces) {
        for start in actions.starts {
            places.serving(start.type)?.start(start.requests, now: clock.monotonic)
        }
        for cancel in actions.cancels {
            // Whoever started it: the others do not know it.
            for executor in places.all(cancel.type) { executor.cancel(cancel.key, reason: cancel.reason, grace: grace) }
        }
        if actions.wakeSettles { settles.wake() }
        if actions.wakeClaims { claims.wake() }
        if let at = actions.timer {
            clock.schedule(at: at) { [weak self] in self?.timerFired() }
        }
        if actions.isIdle { idle.open() }
    }

    private func timerFired() {
        update { machine, now, wall in machine.timerFired(now: now, wall: wall, random: random.next) }
    }
}
