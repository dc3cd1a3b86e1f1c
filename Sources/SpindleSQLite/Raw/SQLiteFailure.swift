internal import GRDBSQLite
internal import SpindleCore

/// What SQLite said when it refused.
struct SQLiteFailure: Error {
    /// The extended result code.
    let code: Int32
    /// SQLite's own words.
    let message: String
    /// What was tried.
    let attempted: String

    init(code: Int32, message: String, attempted: String) {
        self.code = code
        self.message = message
        self.attempted = attempted
    }

    /// The last failure of a connection.
    init(_ connection: OpaquePointer?, attempted: String) {
        self.init(
            code: sqlite3_extended_errcode(connection),
            message: String(cString: sqlite3_errmsg(connection)),
            attempted: attempted
        )
    }

    private var primary: Int32 { code & 0xFF }

    /// The disk, or what the file may take of it, is full.
    var isFull: Bool { primary == SQLITE_FULL }

    /// The fault lies in one command, not in the file: others may go on.
    var isOfOneCommand: Bool {
        [SQLITE_CONSTRAINT, SQLITE_TOOBIG, SQLITE_MISMATCH, SQLITE_RANGE, SQLITE_ERROR].contains(primary)
    }

    /// The connection's view of the file can no longer be trusted: after a failed sync it is opened anew.
    var isOfTheFile: Bool {
        [SQLITE_IOERR, SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_CANTOPEN, SQLITE_READONLY].contains(primary)
    }

    /// The same for callers.
    func spindleError(_ path: String) -> SpindleError {
        let details = "\(path): \(message) (SQLite \(code)) in: \(attempted)"
        switch primary {
        case SQLITE_FULL:
            return SpindleError(
                .storeFull,
                "The disk under the store is full: submissions are refused until there is room.",
                details: details
            )
        case SQLITE_NOTADB:
            return SpindleError(.storeUnavailable, "The store \(path) is not an SQLite file.", details: details)
        case SQLITE_CORRUPT:
            return SpindleError(
                .storeUnavailable,
                "The store \(path) is damaged: restore a backup, or recover it with the sqlite3 tool.",
                details: details
            )
        case SQLITE_CONSTRAINT, SQLITE_TOOBIG, SQLITE_MISMATCH, SQLITE_RANGE, SQLITE_ERROR:
            return SpindleError(.internal, "The store refused a command.", details: details)
        default:
            return SpindleError(.storeUnavailable, "The store \(path) cannot be read or written.", details: details)
        }
    }
}
