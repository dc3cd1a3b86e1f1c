internal import GRDBSQLite
internal import SpindleCore

/// A prepared statement with its parameters bound in order and its columns read by position.
///
/// Small values are copied to memory of its own and bound without a further copy: SQLite's own copying (`SQLITE_TRANSIENT`) costs an
/// allocation for each value. They are valid until the next ``begin()``.
final class RawStatement {
    private let handle: OpaquePointer
    private let connection: OpaquePointer
    private let sql: String
    private let scratch: UnsafeMutableRawBufferPointer
    private var used = 0
    private var position: Int32 = 0

    init(_ connection: OpaquePointer, _ sql: String, scratch capacity: Int = 2048) throws(SQLiteFailure) {
        var statement: OpaquePointer?
        let flags = UInt32(SQLITE_PREPARE_PERSISTENT)
        guard sqlite3_prepare_v3(connection, sql, -1, flags, &statement, nil) == SQLITE_OK, let statement else {
            throw SQLiteFailure(connection, attempted: sql)
        }
        handle = statement
        self.connection = connection
        self.sql = sql
        scratch = .allocate(byteCount: capacity, alignment: 8)
    }

    deinit {
        sqlite3_finalize(handle)
        scratch.deallocate()
    }

    /// Makes ready for new values.
    @discardableResult
    func begin() -> Self {
        sqlite3_reset(handle)
        position = 0
        used = 0
        return self
    }

    /// Goes to the next row; false when there is none.
    func step() throws(SQLiteFailure) -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE:
            sqlite3_reset(handle)
            return false
        default:
            let failure = SQLiteFailure(connection, attempted: sql)
            sqlite3_reset(handle)
            throw failure
        }
    }

    /// Runs to the end, whatever rows there are.
    func run() throws(SQLiteFailure) {
        while try step() {}
    }

    /// Ends before the last row.
    func end() { sqlite3_reset(handle) }
}

// MARK: - Values in

extension RawStatement {
    func add(_ value: Int64) {
        position += 1
        sqlite3_bind_int64(handle, position, value)
    }

    func add(_ value: Int32) { add(Int64(value)) }

    func add(_ value: Int64?) {
        if let value { add(value) } else { addNull() }
    }

    func add(_ value: Timestamp) { add(value.microseconds) }

    func add(_ value: Timestamp?) { add(value?.microseconds) }

    func addNull() {
        position += 1
        sqlite3_bind_null(handle, position)
    }

    func add(_ uuid: UUIDv7) {
        position += 1
        if let place = reserve(16) {
            place.storeBytes(of: uuid.high.bigEndian, as: UInt64.self)
            place.storeBytes(of: uuid.low.bigEndian, toByteOffset: 8, as: UInt64.self)
            sqlite3_bind_blob(handle, position, place, 16, nil)
        } else {
            uuid.bytes.withUnsafeBytes { bindBlob($0) }
        }
    }

    func add(_ id: ExecutionID) { add(id.uuid) }

    func add(_ text: String?) {
        guard var text else { return addNull() }
        text.withUTF8 { bytes in
            position += 1
            let count = Int32(bytes.count)
            if let place = reserve(bytes.count) {
                if let base = bytes.baseAddress { place.copyMemory(from: base, byteCount: bytes.count) }
                sqlite3_bind_text(handle, position, place.assumingMemoryBound(to: CChar.self), count, nil)
            } else {
                let start = UnsafeRawPointer(bytes.baseAddress)?.assumingMemoryBound(to: CChar.self)
                sqlite3_bind_text(handle, position, start, count, transient)
            }
        }
    }

    func add(_ bytes: [UInt8]?) {
        guard let bytes else { return addNull() }
        position += 1
        bytes.withUnsafeBytes { bindBlob($0) }
    }

    private func bindBlob(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, !bytes.isEmpty else {
            sqlite3_bind_zeroblob(handle, position, 0)
            return
        }
        if let place = reserve(bytes.count) {
            place.copyMemory(from: base, byteCount: bytes.count)
            sqlite3_bind_blob(handle, position, place, Int32(bytes.count), nil)
        } else {
            sqlite3_bind_blob(handle, position, base, Int32(bytes.count), transient)
        }
    }

    /// Room for a small value, or nil.
    private func reserve(_ count: Int) -> UnsafeMutableRawPointer? {
        guard used + count <= scratch.count, let base = scratch.baseAddress else { return nil }
        defer { used += (count + 7) & ~7 }
        return base + used
    }

    /// Tells SQLite to copy the value at once.
    private var transient: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }
}

// MARK: - Values out

extension RawStatement {
    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

    func int(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    func optionalInt(_ column: Int32) -> Int64? { isNull(column) ? nil : int(column) }

    func int32(_ column: Int32) -> Int32 { Int32(truncatingIfNeeded: int(column)) }

    func timestamp(_ column: Int32) -> Timestamp { Timestamp(microseconds: int(column)) }

    func optionalTimestamp(_ column: Int32) -> Timestamp? { optionalInt(column).map { Timestamp(microseconds: $0) } }

    func text(_ column: Int32) -> String? {
        guard let start = sqlite3_column_text(handle, column) else { return nil }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    func bytes(_ column: Int32) -> [UInt8]? {
        if isNull(column) { return nil }
        return withBytes(column) { Array($0) }
    }

    func withBytes<Result>(_ column: Int32, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let start = sqlite3_column_blob(handle, column)
        return body(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }

    func uuid(_ column: Int32) -> UUIDv7 {
        withBytes(column) { bytes in
            guard bytes.count == 16 else { return UUIDv7(high: 0, low: 0) }
            let high = bytes.loadUnaligned(as: UInt64.self)
            let low = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            return UUIDv7(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low))
        }
    }

    func execution(_ column: Int32) -> ExecutionID { ExecutionID(uuid(column)) }

    func state(_ column: Int32) -> ExecutionState {
        guard let state = ExecutionState(rawValue: UInt8(truncatingIfNeeded: int(column))) else {
            preconditionFailure("a row has the state \(int(column))")
        }
        return state
    }
}
