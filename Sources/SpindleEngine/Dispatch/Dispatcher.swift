import SpindleCore
import Synchronization

/// A lock around ``DispatcherStateMachine`` and the running of its actions, in the order in which they were decided.
final class Dispatcher: Sendable {
    private struct State {
        var machine: DispatcherStateMachine
        /// By type; the last one takes new attempts, those it replaced end theirs.
        var executors: [[any BatchExecutor]] = []
        var outbox: [DispatcherActions] = []
        var isRunningActions = false
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
        let (answer, isRunner) = state.withLock { state in
            // Read inside the lock, so that time never goes backwards between two inputs.
            let now = clock.monotonic
            let wall = clock.now
            let answer = body(&state.machine, now, wall)
            state.outbox.append(state.machine.takeActions(now: now, wall: wall))
            let isRunner = !state.isRunningActions
            state.isRunningActions = true
            return (answer, isRunner)
        }
        if isRunner { runActions() }
        return answer
    }

    /// Makes an executor serve its type.
    func serve(_ executor: any BatchExecutor) {
        let descriptor = executor.descriptor
        // The executor is in its place before the machine may start anything on it.
        let place = state.withLock { state in
            let index = state.machine.index(ofType: descriptor.type)
            while state.executors.count <= index { state.executors.append([]) }
            state.executors[index].append(executor)
            return state.executors[index].count
        }
        executor.reportPauses { [weak self] in self?.lookAtPause(type: descriptor.type, place: place) }
        update { machine, _, _ in
            machine.serve(descriptor)
            machine.pause(type: descriptor.type, executor.pauseReason != nil)
            machine.workIsReady(type: descriptor.type)
        }
    }

    /// Asks the executor of a type whether it takes attempts; what one that was replaced says counts no more.
    private func lookAtPause(type: String, place: Int) {
        let executor = state.withLock { state -> (any BatchExecutor)? in
            let index = state.machine.index(ofType: type)
            guard index < state.executors.count, state.executors[index].count == place else { return nil }
            return state.executors[index].last
        }
        guard let executor else { return }
        update { machine, _, _ in
            // Asked within the lock: of two changes at once the last word counts.
            machine.pause(type: type, executor.pauseReason != nil)
            machine.workIsReady(type: type)
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
            let (batch, executors) = state.withLock { state -> ([DispatcherActions], [[any BatchExecutor]]) in
                if state.outbox.isEmpty { state.isRunningActions = false }
                defer { state.outbox.removeAll(keepingCapacity: true) }
                return (state.outbox, state.executors)
            }
            if batch.isEmpty { return }
            for actions in batch { run(actions, executors) }
        }
    }

    private func run(_ actions: DispatcherActions, _ executors: [[any BatchExecutor]]) {
        for start in actions.starts {
            executors[start.type].last?.start(start.requests, now: clock.monotonic)
        }
        for cancel in actions.cancels {
            // Whoever started it: the others do not know it.
            for executor in executors[cancel.type] { executor.cancel(cancel.key, reason: cancel.reason, grace: grace) }
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
