internal import GRDBSQLite
internal import Logging
internal import SpindleCore
internal import Synchronization

/// Copies the write-ahead log to the main file, on a thread and a connection of its own, so that no commit waits for it.
final class Checkpointer: Sendable {
    private struct State {
        var isRequested = false
        var isClosed = false
        var hasEnded = false
    }

    private static let pageSize = 4096
    /// A checkpoint begins at this size …
    private static let threshold = 32 * 1024 * 1024 / pageSize
    /// … and from this one the operator is told.
    private static let alarm = 256 * 1024 * 1024 / pageSize

    private let state = Gate(State())
    private let hasRest = Atomic(false)
    private let isAlarmed = Atomic(false)
    private let path: String
    private let logger: Logger

    init(path: String, logger: Logger) {
        self.path = path
        self.logger = logger
        StoreThread.start { [self] in run() }
    }

    /// Says how long the log is after a commit.
    func committed(pages: Int) {
        guard pages >= Self.threshold else {
            if isAlarmed.load(ordering: .relaxed) { isAlarmed.store(false, ordering: .relaxed) }
            return
        }
        request()
        if pages >= Self.alarm, !isAlarmed.exchange(true, ordering: .relaxed) {
            let size = pages * Self.pageSize / (1024 * 1024)
            logger.warning("the write-ahead log of \(path) has \(size) MiB: a long read or a slow disk holds it up")
        }
    }

    /// Asks for a checkpoint.
    func request() { state.change { $0.isRequested = true } }

    /// Whether a checkpoint left something that the writer itself should finish.
    func takeRest() -> Bool {
        hasRest.load(ordering: .relaxed) && hasRest.exchange(false, ordering: .relaxed)
    }

    func close() { state.change { $0.isClosed = true } }

    /// Blocks until the connection is closed.
    func waitUntilClosed() { state.wait { $0.hasEnded ? () : nil } }

    private func run() {
        var connection: RawConnection?
        while waitForRequest() {
            if connection == nil { connection = open() }
            guard let handle = connection?.handle else { continue }
            var pages: Int32 = 0
            var copied: Int32 = 0
            let status = sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_PASSIVE, &pages, &copied)
            if status != SQLITE_OK && status & 0xFF != SQLITE_BUSY {
                let reason = String(cString: sqlite3_errmsg(handle))
                logger.error("the write-ahead log of \(path) cannot be copied to the main file: \(reason)")
                connection = nil
            }
            if copied > 0 && copied < pages { hasRest.store(true, ordering: .relaxed) }
        }
        connection = nil
        state.change { $0.hasEnded = true }
    }

    /// False at the end.
    private func waitForRequest() -> Bool {
        state.wait { state in
            if state.isClosed { return false }
            guard state.isRequested else { return nil }
            state.isRequested = false
            return true
        }
    }

    private func open() -> RawConnection? {
        do {
            return try RawConnection(path, pragmas: "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0")
        } catch {
            logger.error("the store \(path) cannot be opened for checkpoints: \(error.message)")
            return nil
        }
    }
}
