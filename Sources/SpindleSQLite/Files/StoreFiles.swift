internal import Glibc
internal import SpindleCore

/// The files of a store: only their owner may read or write them.
enum StoreFiles {
    /// What the system says about the last failed call.
    static func reason() -> String { String(cString: strerror(errno)) }

    /// Makes the directory of a store if it is missing, with those above it.
    static func makeDirectory(for path: String) throws {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
        let directory = String(path[..<slash])
        var status = stat()
        if stat(directory, &status) == 0 { return }
        try makeDirectory(for: directory)
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
            throw SpindleError(.storeUnavailable, "The directory \(directory) cannot be made.", details: reason())
        }
    }

    /// Makes the file itself before SQLite does, so that it and its companions are private.
    static func makeFile(_ path: String) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw SpindleError(.storeUnavailable, "The store \(path) cannot be opened.", details: reason())
        }
        close(descriptor)
    }

    /// What tells one file from another that took its place.
    struct Identity: Equatable {
        let device: UInt
        let node: UInt

        /// The file that a path names now.
        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            device = UInt(status.st_dev)
            node = UInt(status.st_ino)
        }
    }
}
