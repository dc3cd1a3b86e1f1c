import SpindleCore
import Synchronization

/// Where the submissions of one trigger wait for those who take them in batches. Any thread.
final class SubmissionDoor: Sendable {
    /// A job that a trigger handed over, with the way back to it.
    struct Pending: Sendable {
        let submission: Submission
        let answer: @Sendable (TriggerAnswer) -> Void
    }

    /// How a job is to be submitted.
    struct Terms: Sendable {
        var idempotencyKey: String?
        var delay: Int64?
        var startBy: Timestamp?
        var traceParent: String?
        var traceState: String?
    }

    /// What an attempt has handed over and not heard of.
    private struct Load {
        var count = 0
        var bytes = 0
    }

    private struct State {
        var waiting: [Pending] = []
        var loads: [AttemptKey: Load] = [:]
        /// Rings for whoever takes them; nil while nobody does.
        var bell: AsyncStream<Void>.Continuation?
    }

    /// More than the ABI lets a plugin hand over: with what surrounds it in its frames.
    private static let maxBytes = 80 * 1024 * 1024
    /// A batch is not so large that the end of a host waits long for it.
    private static let batch = 200

    /// The types that may be submitted to; nil is any.
    private let types: Set<String>?
    private let principal: String
    private let state = Mutex(State())

    /// - Parameters:
    ///   - types: The types that may be submitted to; nil is any.
    ///   - principal: Whose idempotency keys they are.
    init(types: Set<String>?, principal: String) {
        self.types = types
        self.principal = principal
    }

    // MARK: From the loop of the workers

    /// Takes one in; the answer comes later, once, unless nobody takes what is handed over here any more.
    ///
    /// - Parameter bytes: What it takes in memory.
    /// - Returns: False if the attempt has more without an answer than an honest plugin can have.
    func enter(
        _ job: Job,
        _ terms: Terms,
        bytes: Int,
        from key: AttemptKey,
        _ answer: @escaping @Sendable (TriggerAnswer) -> Void
    ) -> Bool {
        var submission = Submission(job)
        submission.principal = principal
        submission.allowedTypes = types
        submission.idempotencyKey = terms.idempotencyKey
        submission.delay = terms.delay
        submission.startBy = terms.startBy
        submission.traceParent = terms.traceParent
        submission.traceState = terms.traceState
        let (isTaken, bell) = state.withLock { state -> (Bool, AsyncStream<Void>.Continuation?) in
            var load = state.loads[key] ?? Load()
            load.count += 1
            load.bytes += bytes
            guard load.count <= Limits.batch, load.bytes <= Self.maxBytes else { return (false, nil) }
            state.loads[key] = load
            state.waiting.append(Pending(submission: submission, answer: answer))
            return (true, state.bell)
        }
        bell?.yield()
        return isTaken
    }

    /// One of an attempt's was answered.
    func left(_ key: AttemptKey, bytes: Int) {
        state.withLock { state in
            state.loads[key]?.count -= 1
            state.loads[key]?.bytes -= bytes
        }
    }

    /// An attempt is over: nobody waits for its answers.
    func forget(_ key: AttemptKey) { state.withLock { $0.loads[key] = nil } }

    // MARK: For those who take them

    /// Begins to give out what comes in from now on, by ``giveOut(_:_:)``, until ``close()``.
    func open() -> AsyncStream<Void> {
        let (bells, bell) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        state.withLock { state in
            // Of an attempt that is over: its source delivers it again.
            state.waiting = []
            state.bell = bell
        }
        return bells
    }

    /// Gives out what comes in, in batches, until ``close()`` and what was there then.
    func giveOut(_ bells: AsyncStream<Void>, _ take: ([Pending]) async -> Void) async {
        for await _ in bells { await giveOutAll(take) }
        await giveOutAll(take)
    }

    /// Nothing more is given out, after what is there.
    func close() {
        let bell = state.withLock { state in
            defer { state.bell = nil }
            return state.bell
        }
        bell?.finish()
    }

    private func giveOutAll(_ take: ([Pending]) async -> Void) async {
        while true {
            let batch = state.withLock { state in
                let batch = Array(state.waiting.prefix(Self.batch))
                state.waiting.removeFirst(batch.count)
                return batch
            }
            if batch.isEmpty { return }
            await take(batch)
        }
    }
}
