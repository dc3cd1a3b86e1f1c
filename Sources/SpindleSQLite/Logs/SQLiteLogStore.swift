internal import GRDB
public import Logging
public import SpindleCore

/// Log lines in an SQLite file of their own: they never make a job's commit wait, and a power failure may cost the last ones.
public final class SQLiteLogStore: LogStore {
    /// Lines are stored in chunks of at most so many bytes.
    private static let chunkBytes = 64 * 1024
    private static let applicationID: Int32 = 0x5350_4C47

    private let writer: any DatabaseWriter
    private let logger: Logger
    private let limit: Int
    /// @unchecked Sendable below: touched only inside of a write, which GRDB runs one at a time.
    private let bounds = BoundsBox()

    private final class BoundsBox: @unchecked Sendable {
        var byAttempt: [AttemptKey: AttemptLogBounds] = [:]
    }

    /// Opens the file, and makes it (0600) if it is not there.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - readOnly: Writes nothing; the file must exist.
    ///   - limit: Bytes for each attempt; half for its first lines, half for its last ones.
    ///   - logger: For what concerns nobody's request.
    /// - Throws: `storeUnavailable`: foreign, damaged or unreadable.
    public static func open(
        path: String,
        readOnly: Bool = false,
        limit: Int = Limits.log,
        logger: Logger
    ) throws -> SQLiteLogStore {
        do {
            return try SQLiteLogStore(path: path, readOnly: readOnly, limit: limit, logger: logger)
        } catch {
            throw StoreErrors.spindleError(error, path)
        }
    }

    private init(path: String, readOnly: Bool, limit: Int, logger: Logger) throws {
        self.logger = logger
        self.limit = limit
        var configuration = Configuration()
        configuration.label = "spindle.logs"
        configuration.readonly = readOnly
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .timeout(5)
        if readOnly {
            writer = try DatabaseQueue(path: path, configuration: configuration)
            return
        }
        try StoreFiles.makeDirectory(for: path)
        try StoreFiles.makeFile(path)
        configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA synchronous = NORMAL") }
        let pool = try DatabasePool(path: path, configuration: configuration)
        try pool.write { db in
            let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
            let owner = try Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0
            guard tables == 0 || owner == Self.applicationID else {
                throw SpindleError(.storeUnavailable, "The file \(path) is not a Spindle log; it was left as it is.")
            }
            try db.execute(
                sql: """
                    PRAGMA application_id = \(Self.applicationID);
                    CREATE TABLE IF NOT EXISTS chunks (
                        execution BLOB NOT NULL, attempt INTEGER NOT NULL, sequence INTEGER NOT NULL,
                        last INTEGER NOT NULL, lines BLOB NOT NULL,
                        PRIMARY KEY (execution, attempt, sequence)
                    ) WITHOUT ROWID;
                    """
            )
        }
        writer = pool
    }

    public func append(_ records: [LogRecord]) async throws {
        guard !records.isEmpty else { return }
        try await write { db in
            // Lines of one attempt stay in their order; the attempts of a batch may mix.
            for (key, lines) in Dictionary(grouping: records, by: \.key) { try self.add(lines, key, db) }
        }
    }

    private func add(_ lines: [LogRecord], _ key: AttemptKey, _ db: Database) throws {
        var chunk: [LogRecord] = []
        var bytes = 0
        for line in lines {
            chunk.append(line)
            bytes += line.byteCount
            if bytes >= Self.chunkBytes {
                try insert(chunk, key, db)
                chunk = []
                bytes = 0
            }
        }
        try insert(chunk, key, db)
    }

    private func insert(_ chunk: [LogRecord], _ key: AttemptKey, _ db: Database) throws {
        guard let first = chunk.first, let last = chunk.last else { return }
        let lines = LogChunk.encode(chunk)
        let execution = key.execution.uuid.data
        let statement = try db.cachedStatement(
            sql: "INSERT OR REPLACE INTO chunks (execution, attempt, sequence, last, lines) VALUES (?, ?, ?, ?, ?)"
        )
        try statement.execute(arguments: [execution, key.attempt, first.sequence, last.sequence, Data(lines)])
        var known = try bounds.byAttempt[key] ?? stored(key, db)
        for sequence in known.add(first.sequence, bytes: lines.count) {
            try db.cachedStatement(sql: "DELETE FROM chunks WHERE execution = ? AND attempt = ? AND sequence = ?")
                .execute(arguments: [execution, key.attempt, sequence])
        }
        // Attempts end without a word to this store: what is forgotten here is read again from the file.
        if bounds.byAttempt.count > 4096 { bounds.byAttempt.removeAll() }
        bounds.byAttempt[key] = known
    }

    /// What the file already holds of an attempt, without the chunk that was just inserted.
    private func stored(_ key: AttemptKey, _ db: Database) throws -> AttemptLogBounds {
        var known = AttemptLogBounds(limit: limit)
        let rows = try Row.fetchAll(
            db,
            sql: "SELECT sequence, length(lines) FROM chunks WHERE execution = ? AND attempt = ? ORDER BY sequence",
            arguments: [key.execution.uuid.data, key.attempt]
        )
        for row in rows.dropLast() { _ = known.add(row[0], bytes: row[1]) }
        return known
    }

    public func records(of id: ExecutionID, after: Int64, limit: Int) async throws -> [LogRecord] {
        let execution = id.uuid.data
        do {
            return try await writer.read { db in
                var records: [LogRecord] = []
                let rows = try Row.fetchCursor(
                    db,
                    sql: "SELECT attempt, lines FROM chunks WHERE execution = ? AND last > ? ORDER BY attempt, sequence",
                    arguments: [execution, after]
                )
                while records.count < limit, let row = try rows.next() {
                    let lines: Data = row[1]
                    let decoded = LogChunk.decode(Array(lines), AttemptKey(id, row[0]))
                    records += decoded.lazy.filter { $0.sequence > after }.prefix(limit - records.count)
                }
                return records
            }
        } catch {
            throw StoreErrors.spindleError(error, "the log")
        }
    }

    public func remove(_ ids: [ExecutionID]) async throws {
        let executions = ids.map(\.uuid.data)
        try await write { db in
            let statement = try db.cachedStatement(sql: "DELETE FROM chunks WHERE execution = ?")
            for execution in executions { try statement.execute(arguments: [execution]) }
        }
    }

    private func write(_ body: @escaping @Sendable (Database) throws -> Void) async throws {
        do {
            try await writer.write { db in try body(db) }
        } catch {
            throw StoreErrors.spindleError(error, "the log")
        }
    }
}

#if canImport(FoundationEssentials)
internal import FoundationEssentials
#else
internal import Foundation
#endif

extension UUIDv7 {
    fileprivate var data: Data { Data(bytes) }
}
