import Glibc
import Logging
import Spindle
import SpindleCore
import SpindleSQLite

/// A store for one row of the benchmark, with the durability of a host's: on the disk of `TMPDIR`, or in memory.
struct ScratchStore {
    let store: any JobStore & JobReader
    private let directory: String
    private let sqlite: SQLiteJobStore?

    /// Makes it; ``remove()`` takes it away again.
    init(inMemory: Bool) throws {
        directory = try Self.makeDirectory(in: Host.environment["TMPDIR"] ?? "/tmp")
        sqlite = inMemory ? nil : try SQLiteJobStore.open(path: "\(directory)/bench.sqlite", logger: .quiet)
        store = sqlite ?? MemoryJobStore()
    }

    /// Transactions so far; 0 in memory.
    var commits: Int { sqlite?.commits ?? 0 }

    func remove() {
        do {
            try sqlite?.close()
        } catch {
            Terminal.error("spindle: the store of the benchmark was not closed in order: \(errorSentence(error))")
        }
        for suffix in ["", "-wal", "-shm", ".lock", ".ballast"] { unlink("\(directory)/bench.sqlite\(suffix)") }
        rmdir(directory)
    }

    /// A new directory of its own.
    static func makeDirectory(in parent: String) throws -> String {
        var template = Array("\(parent)/spindle-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw SpindleError(.configuration, "No directory can be made in \(parent); set TMPDIR to a place that can be written.")
        }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
