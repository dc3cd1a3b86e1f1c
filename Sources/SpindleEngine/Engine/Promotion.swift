import SpindleCore
import Synchronization

/// When the next `scheduled` or `retrying` execution is due, or the next one expires.
final class Promotion: Sendable {
    /// Due times are wall time and alarms are not: look again at least this often.
    private static let longestWait: Int64 = 60_000_000

    private let nextDue = Mutex<Timestamp?>(nil)
    private let clock: any AlarmClock
    let wakeUp = WakeUp()

    init(clock: any AlarmClock) { self.clock = clock }

    /// Something becomes due then.
    func consider(_ due: Timestamp) {
        let isFirst = nextDue.withLock { nextDue in
            if let known = nextDue, known <= due { return false }
            nextDue = due
            return true
        }
        if isFirst { arm(due) }
    }

    /// Forgets what was known, before the store is asked.
    func reset() { nextDue.withLock { $0 = nil } }

    private func arm(_ due: Timestamp) {
        let (difference, overflow) = due.microseconds.subtractingReportingOverflow(clock.now.microseconds)
        let wait = overflow ? Self.longestWait : min(max(difference, 0), Self.longestWait)
        clock.schedule(at: clock.monotonic.saturatingAdd(wait)) { [weak self] in self?.wakeUp.wake() }
    }
}
