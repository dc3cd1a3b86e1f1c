import Glibc
import HeapModule
import SpindleCore
import SpindleWire
import Synchronization

/// One thread of the operating system that serves all workers of a host: sockets, timers, and what others post to it.
///
/// Each turn reads all that is there, then tells everyone who got something to send it on in one go.
final class HostLoop: @unchecked Sendable {
    // Sendable: all but `inbox` and the constants is touched by the loop's own thread only (`post` gets you there).
    private struct Inbox {
        var jobs: [@Sendable () -> Void] = []
        var isAwake = false
        var isStopped = false
        /// The loop's own thread, which needs no bell.
        var thread: pthread_t?
    }

    private struct Timer: Comparable {
        let at: Int64
        let number: UInt64
        let body: () -> Void

        static func < (left: Timer, right: Timer) -> Bool { (left.at, left.number) < (right.at, right.number) }
        static func == (left: Timer, right: Timer) -> Bool { left.number == right.number }
    }

    private let clock: any HostClock
    private let poller: Descriptor
    private let bell: Descriptor
    private let inbox = Mutex(Inbox())
    private var sources: [UInt64: (UInt32) -> Void] = [:]
    private var timers = Heap<Timer>()
    private var unflushed: [() -> Void] = []
    private var numbers: UInt64 = 1

    /// Makes a loop and starts its thread.
    init(clock: any HostClock) throws(SpindleError) {
        self.clock = clock
        let poller = sps_poller_make()
        let bell = sps_bell_make()
        guard poller >= 0, bell >= 0 else {
            throw SpindleError(.internal, "No file descriptor is left: \(SystemCall.lastError).")
        }
        self.poller = Descriptor(poller)
        self.bell = Descriptor(bell)
        guard sps_poller_add(poller, bell, 0, UInt32(SPS_READ)) == 0 else {
            throw SpindleError(.internal, "The event loop cannot watch its bell: \(SystemCall.lastError).")
        }
        try OSThread.start("spindle-plugins") { self.run() }
    }

    /// Microseconds of the clock that timers use. Any thread.
    var now: Int64 { clock.monotonic }

    /// Has the loop's thread run something soon. Any thread; never blocks.
    ///
    /// - Returns: False if the loop has stopped; the body will not run then.
    @discardableResult
    func post(_ body: @escaping @Sendable () -> Void) -> Bool {
        let (taken, ring) = inbox.withLock { inbox -> (Bool, Bool) in
            guard !inbox.isStopped else { return (false, false) }
            inbox.jobs.append(body)
            if let thread = inbox.thread, pthread_equal(thread, pthread_self()) != 0 { return (true, false) }
            defer { inbox.isAwake = true }
            return (true, !inbox.isAwake)
        }
        if ring {
            var one: UInt64 = 1
            // Fails only if the counter is full, and then the bell is ringing already.
            _ = write(bell.number, &one, 8)
        }
        return taken
    }

    /// Ends the thread after what was posted before. Any thread.
    func stop() {
        post { self.inbox.withLock { $0.isStopped = true } }
    }

    // MARK: On the loop's thread

    /// Calls back whenever a descriptor is ready, until ``unwatch(_:_:)``.
    func watch(_ descriptor: Int32, writing: Bool = false, _ body: @escaping (UInt32) -> Void) -> UInt64? {
        let number = nextNumber()
        guard sps_poller_add(poller.number, descriptor, number, Self.mask(writing)) == 0 else { return nil }
        sources[number] = body
        return number
    }

    /// Also waits until the descriptor can be written to, or no longer.
    func rewatch(_ descriptor: Int32, _ number: UInt64, writing: Bool) {
        _ = sps_poller_change(poller.number, descriptor, number, Self.mask(writing))
    }

    /// No more calls for this descriptor.
    func unwatch(_ descriptor: Int32, _ number: UInt64) {
        sources[number] = nil
        _ = sps_poller_remove(poller.number, descriptor)
    }

    /// Calls back once at or soon after a moment.
    func schedule(at moment: Int64, _ body: @escaping () -> Void) {
        timers.insert(Timer(at: moment, number: nextNumber(), body: body))
    }

    /// Calls back at the end of this turn.
    func flushLater(_ body: @escaping () -> Void) { unflushed.append(body) }

    // MARK: The thread

    private static func mask(_ writing: Bool) -> UInt32 { UInt32(writing ? SPS_READ | SPS_WRITE : SPS_READ) }

    private func nextNumber() -> UInt64 {
        numbers += 1
        return numbers
    }

    private func run() {
        var events = [sps_event](repeating: sps_event(), count: 128)
        var hasMore = false
        inbox.withLock { $0.thread = pthread_self() }
        while true {
            let count = sps_poller_wait(poller.number, &events, 128, hasMore ? 0 : patience())
            for index in 0..<max(0, Int(count)) {
                let number = events[index].number
                if number == 0 { hush() } else { sources[number]?(events[index].ready) }
            }
            let jobs = inbox.withLock { inbox in
                defer { inbox.jobs = [] }
                return inbox.jobs
            }
            for job in jobs { job() }
            fireTimers()
            flush()
            let isOver: Bool
            (hasMore, isOver) = inbox.withLock { (!$0.jobs.isEmpty, $0.isStopped && $0.jobs.isEmpty) }
            if isOver { return }
        }
    }

    private func hush() {
        var count: UInt64 = 0
        _ = read(bell.number, &count, 8)
        inbox.withLock { $0.isAwake = false }
    }

    /// Milliseconds until the next timer, rounded up so that it is due then.
    private func patience() -> Int32 {
        guard let next = timers.min else { return -1 }
        let wait = next.at - clock.monotonic
        return wait <= 0 ? 0 : Int32(clamping: (wait + 999) / 1000)
    }

    private func fireTimers() {
        guard let first = timers.min else { return }
        let now = clock.monotonic
        guard first.at <= now else { return }
        while let next = timers.min, next.at <= now {
            timers.removeMin()
            next.body()
        }
    }

    private func flush() {
        while !unflushed.isEmpty {
            let bodies = unflushed
            unflushed = []
            for body in bodies { body() }
        }
    }
}
