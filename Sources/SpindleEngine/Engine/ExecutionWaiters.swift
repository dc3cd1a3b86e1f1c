public import SpindleCore
import Synchronization

/// The final state of an execution, with the result of its last attempt where this host saw it.
public struct ExecutionEnd: Sendable {
    /// The final state.
    public let state: ExecutionState
    /// How its last attempt ended; nil if there was none.
    public let outcome: AttemptOutcome?
    /// What its last attempt gave; nil if there was none.
    public let result: ExecutionResult?
}

/// Those who wait for executions to end.
final class ExecutionWaiters: Sendable {
    private struct Waiter {
        let token: UInt64
        let continuation: CheckedContinuation<ExecutionEnd, any Error>
    }

    private struct State {
        var waiting: [ExecutionID: [Waiter]] = [:]
        var cancelled: Set<UInt64> = []
        var nextToken: UInt64 = 0
        var closed: SpindleError?
    }

    private let state = Mutex(State())

    /// Whether nobody waits: the usual case of a busy host.
    var isEmpty: Bool { state.withLock { $0.waiting.isEmpty } }

    /// Waits for the end of an execution.
    ///
    /// - Parameters:
    ///   - id: The execution.
    ///   - afterRegistering: Called once the wait is in place, so that no end is missed.
    /// - Throws: `interrupted` if the host closes first; `CancellationError` if the task is cancelled.
    func wait(for id: ExecutionID, afterRegistering: @escaping @Sendable () -> Void = {}) async throws -> ExecutionEnd {
        let token = state.withLock { state in
            state.nextToken += 1
            return state.nextToken
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let refusal: (any Error)? = state.withLock { state in
                    if state.cancelled.remove(token) != nil { return CancellationError() }
                    if let closed = state.closed { return closed }
                    state.waiting[id, default: []].append(Waiter(token: token, continuation: continuation))
                    return nil
                }
                if let refusal { continuation.resume(throwing: refusal) }
                afterRegistering()
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard let index = state.waiting[id]?.firstIndex(where: { $0.token == token }) else {
                    state.cancelled.insert(token)
                    return nil
                }
                let waiter = state.waiting[id]?.remove(at: index)
                if state.waiting[id]?.isEmpty == true { state.waiting[id] = nil }
                return waiter
            }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }

    /// An execution has ended.
    func ended(_ id: ExecutionID, _ end: ExecutionEnd) {
        let waiters = state.withLock { $0.waiting.removeValue(forKey: id) ?? [] }
        for waiter in waiters { waiter.continuation.resume(returning: end) }
    }

    /// The host closes: nobody will see an end any more.
    func close(_ error: SpindleError) {
        let waiters = state.withLock { state in
            state.closed = error
            defer { state.waiting = [:] }
            return state.waiting.values.flatMap { $0 }
        }
        for waiter in waiters { waiter.continuation.resume(throwing: error) }
    }
}
