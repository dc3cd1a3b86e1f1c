public import Glibc

/// A process of somebody else whose end can be waited for; its number may be another's afterwards, this is not.
public final class WatchedProcess: Sendable {
    /// There is no such process, or none that can be watched.
    public struct Ended: Error {
        /// Its number.
        public let process: pid_t
        /// What the system says.
        public let reason: String
    }

    private let descriptor: Int32

    /// Fails if it has ended.
    public init(_ process: pid_t) throws {
        descriptor = Self.pidfdOpen(process)
        guard descriptor >= 0 else { throw Ended(process: process, reason: String(cString: strerror(errno))) }
    }

    deinit { close(descriptor) }

    /// Whether it has ended.
    public var hasEnded: Bool { wait(milliseconds: 0) }

    /// Waits until it has ended.
    public func end() async {
        await withCheckedContinuation { continuation in
            BlockingThread.start { [self] in
                while !wait(milliseconds: -1) {}
                continuation.resume()
            }
        }
    }

    private func wait(milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) > 0
    }

    private static func pidfdOpen(_ process: pid_t) -> Int32 {
        // Swift cannot call a C function with `...`, and not every glibc has `pidfd_open`; the number is the same everywhere.
        typealias SystemCall = @convention(c) (Int, Int, Int) -> Int
        guard let address = dlsym(nil, "syscall") else { return -1 }
        return Int32(truncatingIfNeeded: unsafeBitCast(address, to: SystemCall.self)(434, Int(process), 0))
    }
}
