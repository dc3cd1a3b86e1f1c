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
    /// One who waits; in place from the moment it was made.
    final class Wait: Sendable {
        private struct State {
            var result: Result<ExecutionEnd, any Error>?
            var continuation: CheckedContinuation<ExecutionEnd, any Error>?
        }

        let id: ExecutionID
        private let state = Mutex(State())

        fileprivate init(_ id: ExecutionID) { self.id = id }

        /// Waits for the end. One task may wait.
        ///
        /// - Parameter onCancel: Called if the task is cancelled.
        /// - Throws: `interrupted` if the host closes first.
        func end(onCancel: @Sendable (Wait) -> Void) async throws -> ExecutionEnd {
            try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    let result = state.withLock { state in
                        if state.result == nil { state.continuation = continuation }
                        return state.result
                    }
                    if let result { continuation.resume(with: result) }
                }
            } onCancel: {
                onCancel(self)
            }
        }

        /// Only the first result counts.
        func resolve(_ result: Result<ExecutionEnd, any Error>) {
            let continuation = state.withLock { state -> CheckedContinuation<ExecutionEnd, any Error>? in
                guard state.result == nil else { return nil }
                state.result = result
                defer { state.continuation = nil }
                return state.continuation
            }
            continuation?.resume(with: result)
        }
    }

    private struct State {
        var waiting: [ExecutionID: [Wait]] = [:]
        var closed: SpindleError?
    }

    private let state = Mutex(State())

    /// The executions that somebody waits for.
    var awaited: [ExecutionID] { state.withLock { Array($0.waiting.keys) } }

    /// Begins to wait, before the end may have come; ended by ``forget(_:)``.
    func register(_ id: ExecutionID) -> Wait {
        let wait = Wait(id)
        let closed = state.withLock { state in
            if state.closed == nil { state.waiting[id, default: []].append(wait) }
            return state.closed
        }
        if let closed { wait.resolve(.failure(closed)) }
        return wait
    }

    /// Nobody waits any more.
    func forget(_ wait: Wait) {
        state.withLock { state in
            state.waiting[wait.id]?.removeAll { $0 === wait }
            if state.waiting[wait.id]?.isEmpty == true { state.waiting[wait.id] = nil }
        }
    }

    /// An execution has ended.
    func ended(_ id: ExecutionID, _ end: ExecutionEnd) {
        for wait in state.withLock({ $0.waiting.removeValue(forKey: id) ?? [] }) { wait.resolve(.success(end)) }
    }

    /// The host closes: nobody will see an end any more.
    func close(_ error: SpindleError) {
        let waits = state.withLock { state in
            state.closed = error
            defer { state.waiting = [:] }
            return state.waiting.values.flatMap { $0 }
        }
        for wait in waits { wait.resolve(.failure(error)) }
    }
}
