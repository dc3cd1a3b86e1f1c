import Glibc
import Testing

/// A process of somebody else whose end can be waited for; its number may be another's afterwards, this is not.
final class WatchedProcess: Sendable {
    private let descriptor: Int32

    /// Fails if it has ended.
    init(_ process: pid_t) throws {
        descriptor = Self.pidfdOpen(process)
        try #require(descriptor >= 0, "process \(process): \(String(cString: strerror(errno)))")
    }

    deinit { close(descriptor) }

    var hasEnded: Bool { wait(milliseconds: 0) }

    func end() async {
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
