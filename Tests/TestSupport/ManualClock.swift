public import SpindleCore
import Synchronization

/// A clock that stands still until a test moves it; alarms ring inside ``advance(by:)``, in the order of their time.
///
/// A test waits for *the alarm that the code under test asks for* and then moves time: it never sleeps.
public final class ManualClock: AlarmClock {
    private struct Alarm {
        let at: Int64
        let number: UInt64
        let body: @Sendable () -> Void
    }

    private struct State {
        var monotonic: Int64 = 0
        var wallOffset: Int64
        var alarms: [Alarm] = []
        var nextNumber: UInt64 = 0
        var waiting: [(matches: @Sendable (Int64) -> Bool, continuation: CheckedContinuation<Int64, Never>)] = []
    }

    private let state: Mutex<State>

    /// Stands at a moment of wall time.
    public init(now: Timestamp = Timestamp(microseconds: 1_800_000_000_000_000)) {
        state = Mutex(State(wallOffset: now.microseconds))
    }

    public var now: Timestamp { state.withLock { Timestamp(microseconds: $0.wallOffset + $0.monotonic) } }
    public var monotonic: Int64 { state.withLock { $0.monotonic } }

    public func schedule(at monotonic: Int64, _ body: @escaping @Sendable () -> Void) {
        let (isDue, woken) = state.withLock { state -> (Bool, [CheckedContinuation<Int64, Never>]) in
            let isDue = monotonic <= state.monotonic
            if !isDue {
                state.nextNumber += 1
                state.alarms.append(Alarm(at: monotonic, number: state.nextNumber, body: body))
            }
            let woken = state.waiting.filter { $0.matches(monotonic) }.map(\.continuation)
            state.waiting.removeAll { $0.matches(monotonic) }
            return (isDue, woken)
        }
        for continuation in woken { continuation.resume(returning: monotonic) }
        if isDue { body() }
    }

    /// Moves time, and rings what becomes due on the way; alarms set meanwhile ring too.
    public func advance(by microseconds: Int64) { advance(to: monotonic + microseconds) }

    /// Moves time to a moment.
    public func advance(to moment: Int64) {
        while true {
            let body: (@Sendable () -> Void)? = state.withLock { state in
                let first = state.alarms.indices.min { left, right in
                    (state.alarms[left].at, state.alarms[left].number) < (state.alarms[right].at, state.alarms[right].number)
                }
                guard let first, state.alarms[first].at <= moment else {
                    state.monotonic = max(state.monotonic, moment)
                    return nil
                }
                let alarm = state.alarms.remove(at: first)
                state.monotonic = max(state.monotonic, alarm.at)
                return alarm.body
            }
            guard let body else { return }
            body()
        }
    }

    /// Moves wall time alone, as NTP or an operator does.
    public func stepWall(by microseconds: Int64) { state.withLock { $0.wallOffset += microseconds } }

    /// Alarms that are set.
    public var alarmCount: Int { state.withLock { $0.alarms.count } }

    /// Waits until an alarm is set for this moment, also if it was set before.
    public func alarm(at moment: Int64) async {
        _ = await withCheckedContinuation { continuation in
            let isSet = state.withLock { state in
                if state.monotonic >= moment || state.alarms.contains(where: { $0.at == moment }) { return true }
                state.waiting.append(({ $0 == moment }, continuation))
                return false
            }
            if isSet { continuation.resume(returning: moment) }
        }
    }
}
