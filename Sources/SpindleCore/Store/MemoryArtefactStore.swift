import Synchronization

/// Files of attempts that are kept until the process ends.
public final class MemoryArtefactStore: ArtefactStore {
    private struct File {
        var bytes: [UInt8] = []
        var isClosed = false
    }

    private struct FileKey: Hashable {
        let attempt: AttemptKey
        let name: String
    }

    private let files = Mutex<[FileKey: File]>([:])
    private let limit: Int

    /// Begins empty.
    ///
    /// - Parameter limit: The most bytes of one file.
    public init(limit: Int = 64 * 1024 * 1024) { self.limit = limit }

    public func write(_ key: AttemptKey, name: String, chunk: [UInt8], isLast: Bool) async throws {
        try ArtefactName.check(name)
        let isTaken = files.withLock { files -> Bool in
            var file = files[FileKey(attempt: key, name: name)] ?? File()
            guard !file.isClosed, file.bytes.count + chunk.count <= limit else { return false }
            file.bytes += chunk
            file.isClosed = isLast
            files[FileKey(attempt: key, name: name)] = file
            return true
        }
        guard isTaken else {
            throw SpindleError(.invalidRequest, "The file \"\(name)\" is closed, or larger than \(limit) bytes.")
        }
    }

    public func artefacts(of id: ExecutionID) async throws -> [Artefact] {
        let found = files.withLock { files in files.filter { $0.key.attempt.execution == id } }
        return
            found
            .map { Artefact(key: $0.attempt, name: $0.name, size: Int64($1.bytes.count), sha256: nil) }
            .sorted { ($0.key.attempt, $0.name) < ($1.key.attempt, $1.name) }
    }

    public func read(_ key: AttemptKey, name: String) async throws -> [UInt8] {
        guard let file = files.withLock({ $0[FileKey(attempt: key, name: name)] }) else {
            throw SpindleError(.notFound, "There is no file \"\(name)\" of \(key).")
        }
        return file.bytes
    }

    public func remove(_ ids: [ExecutionID]) async throws {
        let ids = Set(ids)
        files.withLock { files in files = files.filter { !ids.contains($0.key.attempt.execution) } }
    }
}

/// The rule for names of files that attempts make: `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`.
package enum ArtefactName {
    /// Refuses any other name.
    package static func check(_ name: String) throws {
        let isLegal =
            (1...128).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
        guard isLegal, let first = name.utf8.first, ![UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-")].contains(first)
        else {
            throw SpindleError(.invalidRequest, "A file of an attempt cannot be named \"\(name.prefix(128))\".")
        }
    }
}
