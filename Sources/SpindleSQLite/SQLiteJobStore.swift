internal import GRDB
public import Logging
public import SpindleCore
internal import Synchronization

/// The durable store: one SQLite file in WAL mode with `synchronous=FULL`.
///
/// One thread owns the connection that writes and commits whatever waits together; reads go through connections of their own and
/// never wait for it. One host at a time may have a store open for writing.
public final class SQLiteJobStore: JobStore, JobReader {
    /// The file.
    public let path: String
    private let committer: CommitThread?
    private let checkpointer: Checkpointer?
    private let pool: DatabasePool
    private let lock: Mutex<StoreLock?>

    /// Opens a store; makes it with its directory (0700, files 0600) if it is not there.
    ///
    /// - Parameters:
    ///   - path: The file. `PATH.lock` is locked, `PATH.ballast` keeps 1 MiB for a full disk.
    ///   - readOnly: Takes no lock and writes nothing; the file must exist.
    ///   - logger: For what happens on threads of the store.
    /// - Throws: `storeUnavailable`: held by another process, foreign, newer, damaged or unreadable.
    public static func open(path: String, readOnly: Bool = false, logger: Logger) throws -> SQLiteJobStore {
        do {
            return try SQLiteJobStore(path: path, readOnly: readOnly, logger: logger)
        } catch {
            throw StoreErrors.spindleError(error, path)
        }
    }

    private init(path: String, readOnly: Bool, logger: Logger) throws {
        self.path = path
        var configuration = Configuration()
        configuration.label = "spindle.reader"
        configuration.readonly = true
        configuration.foreignKeysEnabled = false
        configuration.maximumReaderCount = 4
        configuration.busyMode = .timeout(5)
        if readOnly {
            lock = Mutex(nil)
            checkpointer = nil
            committer = nil
            pool = try DatabasePool(path: path, configuration: configuration)
            try pool.read { db in try WriteConnection.checkOwner(db, path) }
        } else {
            try StoreFiles.makeDirectory(for: path)
            lock = Mutex(try StoreLock(store: path))
            let connection = try WriteConnection(path)
            pool = try DatabasePool(path: path, configuration: configuration)
            let checkpointer = Checkpointer(path: path, logger: logger)
            self.checkpointer = checkpointer
            committer = CommitThread(connection, path: path, checkpointer: checkpointer, logger: logger)
        }
    }

    deinit {
        committer?.close()
        checkpointer?.close()
    }

    public func apply(_ batch: [StoreCommand]) async throws -> [StoreOutcome] {
        guard let committer else {
            throw SpindleError(.storeUnavailable, "The store \(path) is open for reading only.")
        }
        return try await committer.apply(batch)
    }

    /// Transactions so far; many calls of ``apply(_:)`` share one.
    public var commits: Int { committer?.commits ?? 0 }

    /// Commits what waits, closes the file and gives up the lock. Blocks for as long as the last commit takes.
    public func close() throws {
        committer?.close()
        checkpointer?.close()
        checkpointer?.waitUntilClosed()
        committer?.waitUntilClosed()
        try pool.close()
        lock.withLock { $0 = nil }
    }

    /// Reads from a snapshot, on a connection that never blocks the writer.
    func read<Value: Sendable>(_ body: @escaping @Sendable (OpaquePointer) throws -> Value) async throws -> Value {
        do {
            return try await pool.read { db in
                guard let connection = db.sqliteConnection else {
                    throw SpindleError(.storeUnavailable, "The store is closed.")
                }
                return try body(connection)
            }
        } catch {
            throw StoreErrors.spindleError(error, path)
        }
    }
}
