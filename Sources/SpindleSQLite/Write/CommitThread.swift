internal import Logging
internal import SpindleCore
internal import Synchronization

/// Group commit: whatever waits goes into one transaction with one sync, and each caller hears of its own batch.
final class CommitThread: Sendable {
    /// A caller's batch.
    private struct Waiting {
        let batch: [StoreCommand]
        let continuation: UnsafeContinuation<[StoreOutcome], any Error>
    }

    private struct Inbox {
        var waiting: [Waiting] = []
        var isClosed = false
        var hasEnded = false
    }

    /// Commands after which a transaction takes no further batch.
    private static let limit = 2000
    private let inbox = Gate(Inbox())
    private let committed = Atomic<Int>(0)
    private let path: String
    private let logger: Logger

    /// Starts the thread on an open connection.
    ///
    /// - Parameter checkpointer: Told about the size of the write-ahead log after each commit.
    init(_ connection: sending WriteConnection, path: String, checkpointer: Checkpointer, logger: Logger) {
        self.path = path
        self.logger = logger
        let loop = CommitLoop(connection, path: path, checkpointer: checkpointer, logger: logger)
        nonisolated(unsafe) let handedOver = loop  // Made here, used from now on only by the thread.
        StoreThread.start { [self] in run(handedOver) }
    }

    /// Adds a batch; returns when it is committed.
    func apply(_ batch: [StoreCommand]) async throws -> [StoreOutcome] {
        try await withUnsafeThrowingContinuation { continuation in
            let isTaken = inbox.change { inbox in
                guard !inbox.isClosed else { return false }
                inbox.waiting.append(Waiting(batch: batch, continuation: continuation))
                return true
            }
            if !isTaken {
                continuation.resume(throwing: SpindleError(.storeUnavailable, "The store \(path) is closed."))
            }
        }
    }

    /// Groups committed so far.
    var commits: Int { committed.load(ordering: .relaxed) }

    /// Commits what waits, then ends the thread and closes its connection.
    func close() { inbox.change { $0.isClosed = true } }

    /// Blocks until the connection is closed.
    func waitUntilClosed() { inbox.wait { $0.hasEnded ? () : nil } }

    private func run(_ loop: CommitLoop) {
        while let group = takeGroup() {
            let results = loop.commit(group.map(\.batch))
            committed.add(1, ordering: .relaxed)
            for (waiting, result) in zip(group, results) { waiting.continuation.resume(with: result) }
        }
        loop.close()
        inbox.change { $0.hasEnded = true }
    }

    /// What waits, up to the bound; nil at the end.
    private func takeGroup() -> [Waiting]? {
        inbox.wait { inbox -> [Waiting]?? in
            if inbox.waiting.isEmpty { return inbox.isClosed ? .some(nil) : nil }
            var commands = 0
            var end = 0
            while end < inbox.waiting.count, end == 0 || commands + inbox.waiting[end].batch.count <= Self.limit {
                commands += inbox.waiting[end].batch.count
                end += 1
            }
            if end == inbox.waiting.count {
                defer { inbox.waiting = [] }
                return inbox.waiting
            }
            defer { inbox.waiting.removeFirst(end) }
            return Array(inbox.waiting[..<end])
        }
    }
}
