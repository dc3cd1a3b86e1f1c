internal import Logging
internal import SpindleCore

/// What the commit thread does with a group of batches, and with failures. Used only on that thread.
final class CommitLoop {
    typealias BatchResult = Result<[StoreOutcome], any Error>

    private var connection: WriteConnection?
    private let path: String
    private let checkpointer: Checkpointer
    private let logger: Logger
    private let ballast: Ballast
    private let identity: StoreFiles.Identity?
    private var isFull = false

    init(_ connection: WriteConnection, path: String, checkpointer: Checkpointer, logger: Logger) {
        self.connection = connection
        identity = connection.identity
        self.path = path
        self.checkpointer = checkpointer
        self.logger = logger
        ballast = Ballast(store: path)
        isFull = !ballast.take()
        if isFull { logger.warning("there is little room on the disk under \(path): the store has no ballast") }
    }

    func close() {
        connection = nil
    }

    /// Commits batches together.
    func commit(_ batches: [[StoreCommand]]) -> [BatchResult] {
        let connection: WriteConnection
        do {
            connection = try open()
        } catch {
            return batches.map { _ in .failure(error) }
        }
        if isFull {
            if ballast.take() {
                isFull = false
                logger.notice("there is room again under \(path)")
            } else {
                return commitWhileFull(batches, on: connection)
            }
        }
        do {
            return try commit(batches, on: connection)
        } catch let failure as SQLiteFailure where failure.isFull {
            logger.error("the disk under \(path) is full: submissions are refused until there is room")
            isFull = true
            ballast.release()
            return commitWhileFull(batches, on: connection)
        } catch {
            return fail(batches, error)
        }
    }

    private func commit(_ batches: [[StoreCommand]], on connection: WriteConnection) throws -> [BatchResult] {
        defer { relieveLog(connection) }
        let writer = connection.writer
        do {
            return try writer.transaction(batches).map { .success($0) }
        } catch let failure as SQLiteFailure where !failure.isOfOneCommand {
            throw failure
        } catch {
            // One batch cannot be carried out: find out which, so that the others need not suffer.
            return try writer.isolatedTransaction(batches).map { result in
                result.mapError { StoreErrors.spindleError($0, path) }
            }
        }
    }

    /// Refuses what adds work, so that what ends and removes it has the little room that is left.
    private func commitWhileFull(_ batches: [[StoreCommand]], on connection: WriteConnection) -> [BatchResult] {
        let full = SQLiteFailure(code: 13, message: "no room", attempted: "submit").spindleError(path)
        let reducing = batches.indices.filter { !batches[$0].contains(where: \.addsWork) }
        var results = [BatchResult](repeating: .failure(full), count: batches.count)
        guard !reducing.isEmpty else { return results }
        checkpointer.request()
        // A checkpoint helps the next attempt but is not owed to anybody; the settlements beside it are.
        let lean = reducing.map { index in batches[index].filter { !$0.isCheckpoint } }
        do {
            for (index, result) in zip(reducing, try commit(lean, on: connection)) {
                results[index] = result.map { outcomes in
                    var rest = outcomes[...]
                    return batches[index].compactMap { $0.isCheckpoint ? .stale : rest.popFirst() }
                }
            }
        } catch {
            for (index, result) in zip(reducing, fail(lean, error)) { results[index] = result }
        }
        return results
    }

    private func fail(_ batches: [[StoreCommand]], _ error: any Error) -> [BatchResult] {
        if let failure = error as? SQLiteFailure, failure.isOfTheFile {
            // After a failed write or sync the caches may not match the file; a new connection reads it afresh.
            logger.error("the store \(path) is opened anew: \(failure.message)")
            connection = nil
        }
        let known = StoreErrors.spindleError(error, path)
        return batches.map { _ in .failure(known) }
    }

    private func open() throws -> WriteConnection {
        // Also before opening anew: a store that vanished must not come back as an empty one.
        guard identity == StoreFiles.Identity(path) else {
            throw SpindleError(
                .storeUnavailable,
                "The file \(path) was removed or replaced while the host ran; stop the host and put it back."
            )
        }
        if let connection { return connection }
        let opened = try WriteConnection(path)
        connection = opened
        logger.notice("the store \(path) is open again")
        return opened
    }

    /// Keeps the write-ahead log short.
    private func relieveLog(_ connection: WriteConnection) {
        // Under a steady load the checkpoint thread never quite catches up, and the log would never start over: the rest of its
        // work, by now little, is done between two commits.
        if checkpointer.takeRest() { connection.checkpoint() }
        checkpointer.committed(pages: connection.walPages)
    }
}

extension StoreCommand {
    /// Whether it makes the store larger for long.
    fileprivate var addsWork: Bool {
        switch self {
        case .submit, .upsertJob: true
        default: false
        }
    }

    fileprivate var isCheckpoint: Bool {
        if case .checkpoint = self { true } else { false }
    }
}
