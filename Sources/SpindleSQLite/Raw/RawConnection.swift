internal import GRDBSQLite

/// A connection without GRDB around it, closed when nobody holds it any more.
final class RawConnection {
    let handle: OpaquePointer

    /// Opens an existing file.
    init(_ path: String, pragmas: String) throws(SQLiteFailure) {
        var connection: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        guard sqlite3_open_v2(path, &connection, flags, nil) == SQLITE_OK, let connection else {
            let failure = SQLiteFailure(connection, attempted: "opening")
            sqlite3_close_v2(connection)
            throw failure
        }
        handle = connection
        sqlite3_busy_timeout(connection, 5000)
        guard sqlite3_exec(connection, pragmas, nil, nil, nil) == SQLITE_OK else {
            throw SQLiteFailure(connection, attempted: pragmas)
        }
    }

    // Statements that are still there are finalised after it; SQLite waits for them.
    deinit { sqlite3_close_v2(handle) }
}
