import SpindleCore
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The file of a Unix socket: made so that nobody but its owner can ever connect, and removed without harm to anybody else's.
///
/// The socket is bound in a directory of its own (0700), made 0600 there and then renamed to its place: between `bind` and `chmod` it has
/// the permissions of the process's umask, and it must not be reachable in that time.
final class SocketFile: Sendable {
    private struct Identity: Equatable {
        var device: dev_t
        var inode: ino_t
    }

    let path: String
    /// Where to bind.
    let bindPath: String
    private let directory: String
    private let identity = Mutex<Identity?>(nil)

    /// Checks the path and makes the directory to bind in.
    ///
    /// - Throws: `configuration` if the path cannot be used, `conflict` if a living host listens there.
    init(path: String) throws(SpindleError) {
        self.path = path
        let parent = Self.parent(of: path)
        let template = "\(parent)/.spindle-XXXXXX"
        let longest = max(path.utf8.count, template.utf8.count + 2)
        guard !path.utf8.contains(0), longest < Self.maxPath else {
            throw SpindleError(
                .configuration,
                "The socket path \(path) is too long: the system allows \(Self.maxPath - 1) bytes. Choose a shorter state directory."
            )
        }
        try Self.prepare(parent)
        try Self.refuseIfTaken(path)
        var bytes = Array(template.utf8CString)
        guard mkdtemp(&bytes) != nil else { throw Self.failure("cannot make a directory in \(parent)") }
        directory = String(decoding: bytes.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        bindPath = "\(directory)/s"
    }

    /// Bytes of `sun_path`, with the NUL at its end.
    private static let maxPath = MemoryLayout.size(ofValue: sockaddr_un().sun_path)

    private static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func prepare(_ directory: String) throws(SpindleError) {
        if mkdir(directory, 0o700) == 0 { return }
        var info = stat()
        guard errno == EEXIST, stat(directory, &info) == 0 else { throw failure("cannot make the directory \(directory)") }
        guard info.st_mode & S_IFMT == S_IFDIR else { throw SpindleError(.configuration, "\(directory) is not a directory.") }
        // Who can write there could put a socket of their own in our place; the sticky bit prevents that.
        if info.st_mode & 0o022 != 0 && info.st_mode & S_ISVTX == 0 {
            throw SpindleError(
                .configuration,
                "Others may write in \(directory): run \"chmod go-w\" on it, or choose another place."
            )
        }
    }

    /// Lets a missing file or the socket of a dead host pass.
    private static func refuseIfTaken(_ path: String) throws(SpindleError) {
        var info = stat()
        guard lstat(path, &info) == 0 else {
            if errno == ENOENT { return }
            throw failure("cannot look at \(path)")
        }
        guard info.st_mode & S_IFMT == S_IFSOCK else {
            throw SpindleError(.configuration, "\(path) exists and is not a socket; it was left as it is.")
        }
        if isAlive(path) {
            throw SpindleError(.conflict, "Another host listens at \(path); stop it, or use another store.")
        }
    }

    private static func isAlive(_ path: String) -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        // Only a refusal proves that nobody listens.
        return result == 0 || errno != ECONNREFUSED
    }

    /// The socket is bound: closes it to others and puts it in its place, over that of a dead host.
    func publish() throws(SpindleError) {
        defer { rmdir(directory) }
        var info = stat()
        guard chmod(bindPath, 0o600) == 0, lstat(bindPath, &info) == 0, rename(bindPath, path) == 0 else {
            let failure = Self.failure("cannot put the socket at \(path)")
            unlink(bindPath)
            throw failure
        }
        identity.withLock { $0 = Identity(device: info.st_dev, inode: info.st_ino) }
    }

    /// Removes the socket if it is still ours, and what a start that failed left.
    func remove() {
        unlink(bindPath)
        rmdir(directory)
        let ours = identity.withLock { $0 }
        var info = stat()
        guard let ours, lstat(path, &info) == 0, Identity(device: info.st_dev, inode: info.st_ino) == ours else { return }
        unlink(path)
    }

    private static func failure(_ what: String) -> SpindleError {
        let reason = String(cString: strerror(errno))
        return SpindleError(.configuration, "Spindle \(what): \(reason).")
    }
}
