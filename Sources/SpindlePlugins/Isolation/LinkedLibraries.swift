import Glibc
import SpindleCore

/// The files that a plugin is linked with by its RUNPATH, outside of what every sandbox has.
///
/// Files and never their directories: a directory that a plugin names would be a grant that nobody gave. Only what is a library of this
/// machine counts, because a plugin may call any file a library.
struct LinkedLibraries {
    /// More files than this are not looked for.
    static let maxFiles = 256
    /// A larger one is no library.
    static let maxSize: Int64 = 1 << 30

    /// Absolute paths of the files, and of the symbolic links that lead to them, which are made again as they are.
    private(set) var paths: [String] = []
    /// Directories that the sandbox has anyway.
    private let known: [String]
    private var seen: Set<String> = []

    /// Reads every library once. Blocks.
    ///
    /// - Parameter known: Directories that are there as a whole.
    init(of elf: ElfImage, known: [String]) {
        self.known = known
        let first = elf.runPaths.filter { $0.hasPrefix("/") }
        var queue = elf.needed.map { (name: $0, directories: first) }
        var next = 0
        while next < queue.count, seen.count < Self.maxFiles {
            let (name, directories) = queue[next]
            next += 1
            guard !name.isEmpty, !name.contains("/"), name != ".", name != ".." else { continue }
            // As the loader does, the first that is there; what none of them has is the system's.
            guard let directory = directories.first(where: { access("\($0)/\(name)", F_OK) == 0 }),
                let found = follow("\(directory)/\(name)"), seen.insert(found.file).inserted,
                let library = Self.read(found.file)
            else { continue }
            for path in found.all where !isThere(path) && !paths.contains(path) { paths.append(path) }
            let own = library.runPaths.map {
                $0.replacing("${ORIGIN}", with: directory).replacing("$ORIGIN", with: directory)
            }
            queue += library.needed.prefix(ElfImage.maxNames).map { ($0, own.filter { $0.hasPrefix("/") } + first) }
        }
    }

    private func isThere(_ path: String) -> Bool {
        SystemLibraries.isEverywhere(path) || known.contains { GrantedPath.contains($0, path) }
    }

    /// The links from a path on, and the file at their end; nil if a part of the way can be changed by others.
    private func follow(_ path: String) -> (file: String, all: [String])? {
        var path = path
        var all: [String] = []
        for _ in 0..<16 {
            guard let slash = path.lastIndex(of: "/") else { return nil }
            guard let real = realpath(slash == path.startIndex ? "/" : String(path[..<slash]), nil) else { return nil }
            defer { free(real) }
            let directory = String(cString: real)
            guard (try? TrustedDirectory(directory)) != nil else { return nil }
            path = "\(directory == "/" ? "" : directory)/\(path[path.index(after: slash)...])"
            guard GrantedPath.clean(path) == path else { return nil }
            all.append(path)
            var status = stat()
            guard lstat(path, &status) == 0 else { return nil }
            guard status.st_mode & S_IFMT == S_IFLNK else { return (path, all) }
            guard let target = Self.target(of: path) else { return nil }
            path = target.hasPrefix("/") ? target : "\(directory)/\(target)"
        }
        return nil
    }

    private static func target(of link: String) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let base = buffer.baseAddress else { return nil }
            let count = readlink(link, base, buffer.count - 1)
            guard count > 0 else { return nil }
            base[count] = 0
            return String(cString: base)
        }
    }

    /// What a library is linked with; nil if it is none.
    private static func read(_ path: String) -> ElfImage? {
        let number = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY)
        guard number >= 0 else { return nil }
        let file = Descriptor(number)
        var status = stat()
        guard fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size >= 64,
            Int64(status.st_size) <= maxSize
        else { return nil }
        // Not mapped: a file that is cut while it is read would end the host.
        let size = Int(status.st_size)
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        defer { bytes.deallocate() }
        var count = 0
        while count < size {
            let part = SystemCall.retrying { Glibc.read(file.number, bytes.baseAddress?.advanced(by: count), size - count) }
            guard part > 0 else { return nil }
            count += part
            // What is no library is not read to its end.
            guard count < 4 || bytes.prefix(4).elementsEqual([0x7F, 0x45, 0x4C, 0x46]) else { return nil }
        }
        var reader = ElfReader(bytes: UnsafeRawBufferPointer(bytes))
        return try? reader.read(machine: ElfImage.hostMachine, isPlugin: false)
    }
}
