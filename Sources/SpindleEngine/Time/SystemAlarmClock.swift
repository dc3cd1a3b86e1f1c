import Glibc
import HeapModule
public import SpindleCore

/// The machine's clocks, with one thread of its own for all alarms: no plugin, store or cooperative task can hold it up.
public final class SystemAlarmClock: AlarmClock {
    private let clock = SystemClock()
    private let core = Core()

    /// Starts the thread.
    public init() {
        core.start()
    }

    deinit { core.stop() }

    public var now: Timestamp { clock.now }
    public var monotonic: Int64 { clock.monotonic }

    public func schedule(at monotonic: Int64, _ body: @escaping @Sendable () -> Void) {
        core.schedule(at: monotonic, body)
    }

    private struct Alarm: Comparable {
        let at: Int64
        let body: @Sendable () -> Void
        static func < (left: Self, right: Self) -> Bool { left.at < right.at }
        static func == (left: Self, right: Self) -> Bool { left.at == right.at }
    }

    /// What the thread shares with its callers; it outlives the clock until the thread has ended.
    ///
    /// @unchecked Sendable: `alarms` and `isStopped` are only touched with `mutex` held.
    private final class Core: @unchecked Sendable {
        private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
        private var alarms = Heap<Alarm>()
        private var isStopped = false

        init() {
            pthread_mutex_init(mutex, nil)
            var attributes = pthread_condattr_t()
            pthread_condattr_init(&attributes)
            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
            pthread_cond_init(condition, &attributes)
            pthread_condattr_destroy(&attributes)
        }

        deinit {
            pthread_cond_destroy(condition)
            pthread_mutex_destroy(mutex)
            condition.deallocate()
            mutex.deallocate()
        }

        func start() {
            OwnThread.start { self.run() }
        }

        func stop() {
            pthread_mutex_lock(mutex)
            isStopped = true
            pthread_cond_signal(condition)
            pthread_mutex_unlock(mutex)
        }

        func schedule(at: Int64, _ body: @escaping @Sendable () -> Void) {
            pthread_mutex_lock(mutex)
            let isFirst = alarms.min.map { at < $0.at } ?? true
            alarms.insert(Alarm(at: at, body: body))
            if isFirst { pthread_cond_signal(condition) }
            pthread_mutex_unlock(mutex)
        }

        private func run() {
            let clock = SystemClock()
            pthread_mutex_lock(mutex)
            while !isStopped {
                guard let first = alarms.min else {
                    pthread_cond_wait(condition, mutex)
                    continue
                }
                if first.at > clock.monotonic {
                    var until = timespec(tv_sec: Int(first.at / 1_000_000), tv_nsec: Int(first.at % 1_000_000) * 1000)
                    pthread_cond_timedwait(condition, mutex, &until)
                    continue
                }
                let alarm = alarms.removeMin()
                pthread_mutex_unlock(mutex)
                alarm.body()
                pthread_mutex_lock(mutex)
            }
            pthread_mutex_unlock(mutex)
        }
    }
}
