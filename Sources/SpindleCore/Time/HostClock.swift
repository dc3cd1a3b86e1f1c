/// The two clocks of a host, injected everywhere so that tests move time.
public protocol HostClock: Sendable {
    /// Wall time, to store and to show.
    var now: Timestamp { get }
    /// Microseconds of a clock that never steps, for deadlines, leases and waits.
    var monotonic: Int64 { get }
}

/// The clocks of the machine: CLOCK_REALTIME and CLOCK_MONOTONIC.
public struct SystemClock: HostClock {
    /// Reads the clocks of the machine.
    public init() {}

    public var now: Timestamp { Timestamp(microseconds: read(CLOCK_REALTIME)) }
    public var monotonic: Int64 { read(CLOCK_MONOTONIC) }

    private func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A clock that also calls back: the one source of time and of waiting in the engine.
public protocol AlarmClock: HostClock {
    /// Calls back once, at or soon after a moment; at once if it has passed. Any thread.
    ///
    /// - Parameters:
    ///   - monotonic: Microseconds of ``HostClock/monotonic``.
    ///   - body: Must not block.
    func schedule(at monotonic: Int64, _ body: @escaping @Sendable () -> Void)
}
