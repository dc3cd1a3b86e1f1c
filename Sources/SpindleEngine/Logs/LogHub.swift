import DequeModule
public import SpindleCore
import Synchronization

/// Takes log lines from executors, numbers them, hands them to followers at once and to the ``LogStore`` in batches.
public final class LogHub: Sendable {
    private struct State {
        /// The last sequence of each attempt whose code may still write, and of those that ended lately.
        var sequences: [AttemptKey: Int64] = [:]
        var lately: Deque<AttemptKey> = []
        var backlog = LogBacklog()
        var followers: [ExecutionID: [UInt64: AsyncStream<LogRecord>.Continuation]] = [:]
        var nextFollower: UInt64 = 0
        /// A batch is on its way to the store.
        var flush: Gate?
    }

    /// Attempts whose numbers are kept for lines that come too late.
    private static let remembered = 1024

    private let state = Mutex(State())
    private let store: any LogStore
    private let clock: any HostClock
    private let hasEnded: @Sendable (ExecutionID) async throws -> Bool
    let wakeUp = WakeUp()

    /// - Parameter hasEnded: Whether an execution is in a final state, or not there at all.
    init(store: any LogStore, clock: any HostClock, hasEnded: @escaping @Sendable (ExecutionID) async throws -> Bool) {
        self.store = store
        self.clock = clock
        self.hasEnded = hasEnded
    }

    /// Adds a line, cut to ``Limits/logLine``.
    func append(_ key: AttemptKey, _ line: LogLine) {
        let line = line.bounded
        let at = clock.now
        state.withLock { Self.add(line, key, at, &$0) }
        wakeUp.wake()
    }

    private static func add(_ line: LogLine, _ key: AttemptKey, _ at: Timestamp, _ state: inout State) {
        // Sequences of an execution go on over its attempts and over restarts: an attempt owns a range of 2^32.
        let sequence = (state.sequences[key] ?? Int64(key.attempt) << 32) + 1
        state.sequences[key] = sequence
        let record = LogRecord(key: key, sequence: sequence, at: at, line: line)
        state.backlog.add(record)
        if let followers = state.followers[key.execution] {
            for follower in followers.values { follower.yield(record) }
        }
    }

    /// The lines of an execution so far and, if wanted, those to come until it has ended.
    ///
    /// - Parameters:
    ///   - id: The execution.
    ///   - after: Only lines with a higher sequence.
    ///   - limit: At most so many lines.
    public func records(of id: ExecutionID, after: Int64 = 0, limit: Int = 10_000) async throws -> [LogRecord] {
        try await flush()
        return try await store.records(of: id, after: after, limit: limit)
    }

    /// Lines of an execution from now on; ends when the execution ends, at once if it has.
    ///
    /// What came before is in ``records(of:after:limit:)``: called after this, it leaves no line out.
    ///
    /// - Throws: What the store says if the execution cannot be read.
    public func follow(_ id: ExecutionID) async throws -> AsyncStream<LogRecord> {
        let (stream, continuation) = listen(id)
        // Asked only now: an end that comes after the question finishes the stream by itself.
        do {
            if try await hasEnded(id) { continuation.finish() }
        } catch {
            continuation.finish()
            throw error
        }
        return stream
    }

    private func listen(_ id: ExecutionID) -> (AsyncStream<LogRecord>, AsyncStream<LogRecord>.Continuation) {
        let (stream, continuation) = AsyncStream<LogRecord>.makeStream(bufferingPolicy: .bufferingOldest(10_000))
        let number = state.withLock { state in
            state.nextFollower += 1
            state.followers[id, default: [:]][state.nextFollower] = continuation
            return state.nextFollower
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { state in
                state.followers[id]?[number] = nil
                if state.followers[id]?.isEmpty == true { state.followers[id] = nil }
            }
        }
        return (stream, continuation)
    }

    /// An execution has ended: its followers are done. Code that goes on after it may still write.
    func ended(_ id: ExecutionID) {
        let followers = state.withLock { $0.followers.removeValue(forKey: id) }
        for follower in followers?.values.map({ $0 }) ?? [] { follower.finish() }
    }

    /// The code of attempts has ended: they should write nothing more.
    ///
    /// A line that comes all the same, from a thread that was just about to, must not begin the numbers anew: it would take the place of
    /// the first line in the store.
    func codeEnded(_ keys: [AttemptKey]) {
        state.withLock { state in
            for key in keys where state.sequences[key] != nil {
                state.lately.append(key)
                if state.lately.count > Self.remembered, let oldest = state.lately.popFirst() { state.sequences[oldest] = nil }
            }
        }
    }

    /// Writes what waits to the store; when it returns, every line so far is there. One batch at a time keeps them in order.
    func flush() async throws {
        let mine = Gate()
        while true {
            let (batch, other) = state.withLock { state -> ([LogRecord], Gate?) in
                if let other = state.flush { return ([], other) }
                if !state.backlog.isEmpty { state.flush = mine }
                return (state.backlog.take(), nil)
            }
            if let other {
                await other.wait()
                continue
            }
            guard !batch.isEmpty else { return }
            defer {
                state.withLock { $0.flush = nil }
                mine.open()
            }
            // In a task of its own: the caller may be cancelled, as the writing loop is when the host stops, but the lines are in
            // nobody's hands but ours.
            return try await Task { try await store.append(batch) }.value
        }
    }

    func remove(_ ids: [ExecutionID]) async throws { try await store.remove(ids) }
}
