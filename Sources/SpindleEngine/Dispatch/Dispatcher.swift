import SpindleCore
import Synchronization

/// A lock around ``DispatcherStateMachine`` and the running of its actions, in the order in which they were decided.
final class Dispatcher: Sendable {
    private struct State {
        var machine: DispatcherStateMachine
        var executors: [(any BatchExecutor)?] = []
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
    /// Called when nothing runs and nothing is left to settle.
    private let idle = Mutex<Gate?>(nil)

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
        state.withLock { state in
            let index = state.machine.index(ofType: descriptor.type)
            while state.executors.count <= index { state.executors.append(nil) }
            state.executors[index] = executor
        }
        update { machine, _, _ in
            machine.serve(descriptor)
            machine.workIsReady(type: descriptor.type)
        }
    }

    func randomWord() -> UInt64 { random.next() }

    /// Waits until nothing runs and nothing is left to settle.
    func waitUntilIdle() async {
        let gate = Gate()
        idle.withLock { $0 = gate }
        update { _, _, _ in }
        await gate.wait()
    }

    /// Stops waiting for idleness.
    func stopWaitingForIdle() { idle.withLock { $0 }?.open() }

    /// Only one thread runs actions at a time: a cancel decided after a start never overtakes it.
    private func runActions() {
        while true {
            let (batch, executors) = state.withLock { state -> ([DispatcherActions], [(any BatchExecutor)?]) in
                if state.outbox.isEmpty { state.isRunningActions = false }
                defer { state.outbox.removeAll(keepingCapacity: true) }
                return (state.outbox, state.executors)
            }
            if batch.isEmpty { return }
            for actions in batch { run(actions, executors) }
        }
    }

    private func run(_ actions: DispatcherActions, _ executors: [(any BatchExecutor)?]) {
        for start in actions.starts {
            executors[start.type]?.start(start.requests, now: clock.monotonic)
        }
        for cancel in actions.cancels {
            executors[cancel.type]?.cancel(cancel.key, reason: cancel.reason, grace: grace)
        }
        if actions.wakeSettles { settles.wake() }
        if actions.wakeClaims { claims.wake() }
        if let at = actions.timer {
            clock.schedule(at: at) { [weak self] in self?.timerFired() }
        }
        if actions.isIdle { idle.withLock { $0 }?.open() }
    }

    private func timerFired() {
        update { machine, now, wall in machine.timerFired(now: now, wall: wall, random: random.next) }
    }
}
