internal import Crypto
internal import Dispatch
internal import Glibc
public import SpindleCore

/// The files that attempts make: `DIRECTORY/EXECUTION/ATTEMPT/NAME`, each with its SHA-256 beside it once it is closed.
///
/// Only this process writes below the directory (0700), and names are checked, so that no path leads out of it.
public final class FileArtefactStore: ArtefactStore {
    private let directory: String
    private let maxBytes: Int64
    /// Every file operation runs here: a slow disk holds up artefacts and nothing else.
    private let queue = DispatchQueue(label: "spindle.artefacts")
    private let open = OpenFiles()

    /// @unchecked Sendable: touched only on `queue`.
    private final class OpenFiles: @unchecked Sendable {
        var files: [String: OpenArtefact] = [:]
    }

    /// Files below a directory, which is made when the first one is written.
    ///
    /// - Parameters:
    ///   - directory: Its path.
    ///   - maxBytes: The largest file; more is refused.
    public init(directory: String, maxBytes: Int64 = 1024 * 1024 * 1024) {
        self.directory = directory
        self.maxBytes = maxBytes
    }

    public func write(_ key: AttemptKey, name: String, chunk: [UInt8], isLast: Bool) async throws {
        try check(name)
        try await onQueue { [self] in
            let path = path(key, name)
            let file = try open.files[path] ?? create(path, key)
            open.files[path] = file
            do {
                guard file.size + Int64(chunk.count) <= maxBytes else {
                    throw SpindleError(.invalidRequest, "The artefact \(name) is larger than \(maxBytes) bytes; it was dropped.")
                }
                try file.write(chunk)
                if isLast { try finish(file, path) }
            } catch {
                open.files[path] = nil
                unlink(path)
                throw error
            }
        }
    }

    private func create(_ path: String, _ key: AttemptKey) throws -> OpenArtefact {
        for folder in [directory, "\(directory)/\(key.execution)", "\(directory)/\(key.execution)/\(key.attempt)"] {
            guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw failure("make", folder) }
        }
        // O_EXCL: what is closed stays as it is, and so does whatever else may stand there.
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        if descriptor < 0 && errno == EEXIST {
            throw SpindleError(.invalidRequest, "The artefact is written already.", details: path)
        }
        guard descriptor >= 0 else { throw failure("make", path) }
        return OpenArtefact(descriptor: descriptor)
    }

    private func finish(_ file: OpenArtefact, _ path: String) throws {
        let digest = file.digest()
        guard fsync(file.descriptor) == 0 else { throw failure("sync", path) }
        open.files[path] = nil
        let sidecar = Glibc.open(path + ".sha256", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard sidecar >= 0 else { throw failure("make", path + ".sha256") }
        defer { close(sidecar) }
        let text = Array(digest.utf8)
        guard Glibc.write(sidecar, text, text.count) == text.count else { throw failure("write", path + ".sha256") }
    }

    public func artefacts(of id: ExecutionID) async throws -> [Artefact] {
        try await onQueue { [self] in
            var found: [Artefact] = []
            for attempt in names(in: "\(directory)/\(id)").compactMap({ Int32($0) }).sorted() {
                let key = AttemptKey(id, attempt)
                for name in names(in: "\(directory)/\(id)/\(attempt)").sorted() where !name.hasSuffix(".sha256") {
                    var status = stat()
                    guard lstat(path(key, name), &status) == 0 else { continue }
                    let digest = try? contents(path(key, name) + ".sha256", limit: 64)
                    found.append(
                        Artefact(
                            key: key,
                            name: name,
                            size: Int64(status.st_size),
                            sha256: digest.map { String(decoding: $0, as: UTF8.self) }
                        )
                    )
                }
            }
            return found
        }
    }

    public func read(_ key: AttemptKey, name: String) async throws -> [UInt8] {
        try check(name)
        return try await onQueue { [self] in try contents(path(key, name), limit: Int(maxBytes)) }
    }

    public func remove(_ ids: [ExecutionID]) async throws {
        try await onQueue { [self] in
            for id in ids {
                let folder = "\(directory)/\(id)"
                for attempt in names(in: folder) {
                    for name in names(in: "\(folder)/\(attempt)") { unlink("\(folder)/\(attempt)/\(name)") }
                    rmdir("\(folder)/\(attempt)")
                }
                rmdir(folder)
            }
        }
    }

    // MARK: Files

    private func path(_ key: AttemptKey, _ name: String) -> String { "\(directory)/\(key.execution)/\(key.attempt)/\(name)" }

    private func check(_ name: String) throws {
        let isLegal = name.utf8.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || [45, 46, 95].contains($0)
        }
        guard isLegal, let first = name.utf8.first, first != 45, first != 46, name.utf8.count <= 128, !name.hasSuffix(".sha256")
        else {
            throw SpindleError(
                .invalidRequest,
                "The artefact name \"\(name.prefix(128))\" is not allowed: a letter, digit or _, then letters, digits, _, . or -, "
                    + "at most 128, not ending in .sha256."
            )
        }
    }

    private func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    private func contents(_ path: String, limit: Int) throws -> [UInt8] {
        let descriptor = Glibc.open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw errno == ENOENT ? SpindleError(.notFound, "There is no such artefact.") : failure("read", path)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while bytes.count < limit {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { break }
            guard count > 0 else { throw failure("read", path) }
            bytes += buffer.prefix(count)
        }
        return bytes
    }

    private func failure(_ verb: String, _ path: String) -> SpindleError {
        let code: SpindleError.Code = errno == ENOSPC ? .storeFull : .storeUnavailable
        return SpindleError(code, "Cannot \(verb) the artefact file.", details: "\(path): \(StoreFiles.reason())")
    }

    private func onQueue<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result(catching: body)) }
        }
    }
}

/// A file that is being written.
private final class OpenArtefact {
    let descriptor: Int32
    private(set) var size: Int64 = 0
    private var hash = SHA256()

    init(descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }

    func write(_ chunk: [UInt8]) throws {
        var written = 0
        while written < chunk.count {
            let count = chunk.withUnsafeBytes { bytes in
                Glibc.write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                let code: SpindleError.Code = errno == ENOSPC ? .storeFull : .storeUnavailable
                throw SpindleError(code, "Cannot write an artefact.", details: StoreFiles.reason())
            }
            written += count
        }
        hash.update(data: chunk)
        size += Int64(chunk.count)
    }

    func digest() -> String {
        hash.finalize().map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }
}
