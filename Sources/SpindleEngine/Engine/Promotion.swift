import SpindleCore
import Synchronization

/// When the next `scheduled` or `retrying` execution is due, or the next one expires.
final class Promotion: Sendable {
    /// Due times are wall time and alarms are not: look again at least this often.
    private static let longestWait: Int64 = 60_000_000

    private struct State {
        var nextDue: Timestamp?
        /// When the alarm is set for that counts; the others are overtaken and do nothing, else each would set its successor for ever.
        var armed = Int64.max
    }

    private let state = Mutex(State())
    private let clock: any AlarmClock
    let wakeUp = WakeUp()

    init(clock: any AlarmClock) { self.clock = clock }

    /// Something becomes due then.
    func consider(_ due: Timestamp) {
        let new = state.withLock { state -> Int64? in
            if let known = state.nextDue, known <= due { return nil }
            state.nextDue = due
            let at = self.alarm(for: due)
            guard at < state.armed else { return nil }
            state.armed = at
            return at
        }
        guard let alarm = new else { return }
        clock.schedule(at: alarm) { [weak self] in self?.alarmRang(alarm) }
    }

    /// Forgets what was known, before the store is asked.
    func reset() { state.withLock { $0.nextDue = nil } }

    private func alarmRang(_ alarm: Int64) {
        let counts = state.withLock { state in
            guard state.armed == alarm else { return false }
            state.armed = .max
            return true
        }
        if counts { wakeUp.wake() }
    }

    private func alarm(for due: Timestamp) -> Int64 {
        let (difference, overflow) = due.microseconds.subtractingReportingOverflow(clock.now.microseconds)
        let wait = overflow ? Self.longestWait : min(max(difference, 0), Self.longestWait)
        return clock.monotonic.saturatingAdd(wait)
    }
}
