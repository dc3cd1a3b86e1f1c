internal import Glibc
internal import SpindleCore

/// The right to write a store: one process at a time holds `flock` on `STORE.lock`, and its name stands in that file.
final class StoreLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock.
    ///
    /// - Throws: `storeUnavailable`, with the name of the process that holds it.
    init(store path: String) throws {
        let lockPath = path + ".lock"
        let descriptor = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw SpindleError(
                .storeUnavailable,
                "The lock of the store cannot be opened: \(lockPath).",
                details: StoreFiles.reason()
            )
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = Self.holder(descriptor)
            close(descriptor)
            throw SpindleError(
                .storeUnavailable,
                "The store \(path) is in use by \(holder). One host at a time may have it open.",
                details: lockPath
            )
        }
        self.descriptor = descriptor
        let name = Array("process \(getpid())\n".utf8)
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, name, name.count, 0) == name.count else { return }
    }

    deinit { close(descriptor) }

    private static func holder(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 128)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
        return text.split(separator: "\n").first.map(String.init) ?? "another process"
    }
}
