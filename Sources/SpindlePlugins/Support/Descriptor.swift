import Glibc
import SpindleCore

/// A file descriptor that is closed when nobody holds it any more.
final class Descriptor: Sendable {
    /// Its number.
    let number: Int32

    /// Takes over an open descriptor.
    init(_ number: Int32) { self.number = number }

    deinit { close(number) }

    /// Another number for the same open file, from `least` on; closed when a program is started.
    func duplicate(from least: Int32) throws(SpindleError) -> Descriptor {
        let copy = fcntl(number, F_DUPFD_CLOEXEC, least)
        guard copy >= 0 else {
            throw SpindleError(.internal, "No file descriptor is left: \(SystemCall.lastError).")
        }
        return Descriptor(copy)
    }
}
