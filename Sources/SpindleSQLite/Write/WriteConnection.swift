internal import GRDB
internal import GRDBSQLite
internal import SpindleCore

/// The one connection that writes, with its writer. Used only on the commit thread once it is open.
///
/// GRDB makes and migrates the tables and then steps aside: its observation hooks are not for statements that run behind its back.
final class WriteConnection {
    let writer: StoreWriter
    let identity: StoreFiles.Identity?
    private let walFrames: UnsafeMutablePointer<Int32>

    /// Pages of the write-ahead log after the last commit.
    var walPages: Int { Int(walFrames.pointee) }

    /// Opens a store, and makes or migrates its tables.
    init(_ path: String) throws {
        do {
            try Self.migrate(path)
            writer = StoreWriter(try RawConnection(path, pragmas: Self.pragmas))
            try writer.execute("CREATE TEMP TABLE recovery (id BLOB PRIMARY KEY, fate INTEGER NOT NULL) WITHOUT ROWID")
        } catch {
            throw StoreErrors.spindleError(error, path)
        }
        identity = StoreFiles.Identity(path)
        walFrames = .allocate(capacity: 1)
        walFrames.initialize(to: 0)
        // The hook stands where automatic checkpoints would, and only takes the size down.
        _ = sqlite3_wal_hook(
            writer.connection,
            { context, _, _, pages in
                context?.assumingMemoryBound(to: Int32.self).pointee = pages
                return SQLITE_OK
            },
            walFrames
        )
    }

    deinit {
        sqlite3_wal_hook(writer.connection, nil, nil)
        walFrames.deallocate()
    }

    /// Copies what is committed to the main file, as far as nobody stands in the way.
    func checkpoint() {
        sqlite3_wal_checkpoint_v2(writer.connection, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
    }

    private static func migrate(_ path: String) throws {
        try StoreFiles.makeFile(path)
        var configuration = Configuration()
        configuration.label = "spindle.migration"
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in try db.execute(sql: pragmas) }
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.writeWithoutTransaction { db in
            try checkOwner(db, path)
            try db.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA application_id = \(StoreSchema.applicationID)")
        }
        try StoreSchema.migrator.migrate(queue)
        try queue.close()
    }

    // A small cache: SQLite walks all of it at the end of a transaction that split a page (its table of pages has room up to the lock
    // page then), which at 64 MiB costs more than everything else of a commit. The work is at the ends of trees, which stay in it.
    // No memory map: a file that shrinks under it would end the process with SIGBUS, where a read gives an error.
    private static let pragmas = """
        PRAGMA page_size = 4096;
        PRAGMA synchronous = FULL;
        PRAGMA wal_autocheckpoint = 0;
        PRAGMA temp_store = MEMORY;
        PRAGMA cache_size = -8192;
        PRAGMA mmap_size = 0;
        """

    /// Refuses a file that somebody else made, and one from a newer Spindle.
    static func checkOwner(_ db: Database, _ path: String) throws {
        let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
        let owner = try Int64.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        if tables > 0 && owner != StoreSchema.applicationID {
            throw SpindleError(.storeUnavailable, "The file \(path) is not a Spindle store; it was left as it is.")
        }
        if tables > 0, try StoreSchema.migrator.hasBeenSuperseded(db) {
            throw SpindleError(.storeUnavailable, "The store \(path) was written by a newer Spindle; use that version.")
        }
    }
}

/// Errors of every kind as callers see them.
enum StoreErrors {
    static func spindleError(_ error: any Error, _ path: String) -> any Error {
        switch error {
        case let failure as SQLiteFailure: return failure.spindleError(path)
        case let error as DatabaseError:
            let failure = SQLiteFailure(
                code: error.extendedResultCode.rawValue,
                message: error.message ?? "no message",
                attempted: error.sql ?? "opening"
            )
            return failure.spindleError(path)
        default: return error
        }
    }
}
