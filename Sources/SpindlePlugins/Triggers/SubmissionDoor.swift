import SpindleCore
import Synchronization

/// Where the submissions of one trigger wait for those who take them in batches. Any thread.
final class SubmissionDoor: Sendable {
    /// A job that a trigger handed over, with the way back to it.
    struct Pending: Sendable {
        let submission: Submission
        let answer: @Sendable (TriggerAnswer) -> Void
    }

    private struct State {
        var waiting: [Pending] = []
        /// Without an answer, by worker: no honest one has more than the ABI allows.
        var open: [WorkerID: Int] = [:]
        /// Rings for whoever takes them; nil while nobody does.
        var bell: AsyncStream<Void>.Continuation?
    }

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

    /// Takes one in; the answer comes later, once.
    ///
    /// - Returns: False if the worker has more without an answer than it may.
    func enter(_ job: Job, _ terms: Terms, from worker: WorkerID, _ answer: @escaping @Sendable (TriggerAnswer) -> Void) -> Bool {
        var submission = Submission(job)
        submission.principal = principal
        submission.allowedTypes = types
        submission.idempotencyKey = terms.idempotencyKey
        submission.delay = terms.delay
        submission.startBy = terms.startBy
        submission.traceParent = terms.traceParent
        submission.traceState = terms.traceState
        let pending = Pending(submission: submission) { [weak self] outcome in
            self?.left(worker)
            answer(outcome)
        }
        let (isTaken, bell) = state.withLock { state -> (Bool, AsyncStream<Void>.Continuation?) in
            guard state.open[worker, default: 0] < Limits.batch else { return (false, nil) }
            state.open[worker, default: 0] += 1
            state.waiting.append(pending)
            return (true, state.bell)
        }
        bell?.yield()
        return isTaken
    }

    /// How a job is to be submitted.
    struct Terms: Sendable {
        var idempotencyKey: String?
        var delay: Int64?
        var startBy: Timestamp?
        var traceParent: String?
        var traceState: String?
    }

    /// Gives out what comes in, in batches, until ``close()``; one caller at a time.
    func giveOut(_ take: ([Pending]) async -> Void) async {
        let (bells, bell) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        state.withLock { $0.bell = bell }
        bell.yield()
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
                let batch = Array(state.waiting.prefix(Limits.batch))
                state.waiting.removeFirst(batch.count)
                return batch
            }
            if batch.isEmpty { return }
            await take(batch)
        }
    }

    /// A worker is gone: nobody waits for its answers.
    func forget(_ worker: WorkerID) { state.withLock { $0.open[worker] = nil } }

    private func left(_ worker: WorkerID) {
        state.withLock { state in
            if let count = state.open[worker] { state.open[worker] = count - 1 }
        }
    }
}
