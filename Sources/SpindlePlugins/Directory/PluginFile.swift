import Glibc
import SpindleCore

/// A file of the plugin directory that was opened and may be loaded.
struct PluginFile {
    /// Its name without `.so`.
    let name: String
    /// Where it is.
    let path: String
    let image: SealedImage
    let owner: UInt32
    let mode: UInt32

    /// Opens a file in a directory and copies it.
    ///
    /// - Parameters:
    ///   - isTrusted: Whether owner and mode must be right.
    ///   - digests: Digests that are known already.
    init(
        _ fileName: String,
        in directory: Descriptor,
        path: String,
        isTrusted: Bool,
        digests: inout CacheFile<String>
    ) throws(PluginRefusal) {
        let number = openat(directory.number, fileName, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY)
        guard number >= 0 else {
            throw PluginRefusal(errno == ELOOP ? "it is a symbolic link" : "it cannot be opened: \(SystemCall.lastError)")
        }
        let file = Descriptor(number)
        let before = try Self.status(file)
        try Self.checkKind(before)
        if isTrusted { try Self.checkOwner(before) }
        guard before.st_size >= 0, before.st_size <= SealedImage.maxSize else {
            throw PluginRefusal("it is larger than 256 MiB")
        }
        let key = Self.identity(before)
        image = try SealedImage(copying: file, size: Int(before.st_size), digest: digests[key])
        let after = try Self.status(file)
        guard Self.identity(after) == key else { throw PluginRefusal("it changed while it was read") }
        if digests[key] == nil { digests[key] = image.digest }
        name = fileName.hasSuffix(".so") ? String(fileName.dropLast(3)) : fileName
        self.path = path
        owner = before.st_uid
        mode = before.st_mode
    }

    /// The directories of libraries that the system adds to its own, and the files outside of them that it is linked with. Blocks shortly.
    var libraries: [String] {
        var reader = ElfReader(bytes: image.bytes)
        let known = SystemLibraries.additional()
        guard let elf = try? reader.read(machine: ElfImage.hostMachine) else { return known }
        return known + LinkedLibraries(of: elf, known: known).paths
    }

    /// Whether it can be loaded at all, without loading it.
    func check() throws(PluginRefusal) {
        let elf: ElfImage
        do throws(SpindleError) {
            var reader = ElfReader(bytes: image.bytes)
            elf = try reader.read(machine: ElfImage.hostMachine)
        } catch {
            throw PluginRefusal(error)
        }
        try LibrarySearch(directory: Self.directory(of: path)).check(elf)
    }

    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func status(_ file: Descriptor) throws(PluginRefusal) -> stat {
        var status = stat()
        guard fstat(file.number, &status) == 0 else {
            throw PluginRefusal("it cannot be examined: \(SystemCall.lastError)")
        }
        return status
    }

    private static func checkKind(_ status: stat) throws(PluginRefusal) {
        switch status.st_mode & S_IFMT {
        case S_IFREG: return
        case S_IFDIR: throw PluginRefusal("it is a directory")
        case S_IFIFO: throw PluginRefusal("it is a FIFO")
        default: throw PluginRefusal("it is not a regular file")
        }
    }

    private static func checkOwner(_ status: stat) throws(PluginRefusal) {
        guard status.st_uid == 0 || status.st_uid == geteuid() else {
            throw PluginRefusal("it belongs to user \(status.st_uid), not to root or to user \(geteuid())")
        }
        guard status.st_mode & 0o022 == 0 else {
            throw PluginRefusal("it can be written by others (mode \(FileMode.text(status.st_mode))); chmod go-w it")
        }
    }

    private static func identity(_ status: stat) -> String {
        let modified = "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
        let changed = "\(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)"
        return "\(status.st_dev):\(status.st_ino):\(status.st_size):\(modified):\(changed)"
    }
}
