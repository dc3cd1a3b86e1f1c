internal import Glibc

/// A file that only takes room: on a full disk even deleting needs some, and giving it up lets the host write its way out.
struct Ballast {
    private static let size = 1024 * 1024
    /// Room that must be free before the ballast takes its own.
    private static let reserve = 4 * 1024 * 1024
    private let path: String

    init(store path: String) { self.path = path + ".ballast" }

    /// Takes the room; false if there is too little.
    func take() -> Bool {
        var status = stat()
        if stat(path, &status) == 0, status.st_blocks * 512 >= Self.size { return true }
        var system = statvfs()
        guard statvfs(path.directory, &system) == 0 else { return false }
        guard UInt64(system.f_bavail) * UInt64(system.f_frsize) >= UInt64(Self.size + Self.reserve) else { return false }
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return posix_fallocate(descriptor, 0, Self.size) == 0
    }

    /// Gives the room back.
    func release() { unlink(path) }
}

extension String {
    fileprivate var directory: String {
        guard let slash = lastIndex(of: "/") else { return "." }
        return slash == startIndex ? "/" : String(self[..<slash])
    }
}
