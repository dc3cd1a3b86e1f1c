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
    private struct State {
        var tickets: [ExecutionID: [ExecutionTicket]] = [:]
        var closed: SpindleError?
    }

    private let state = Mutex(State())

    /// Registers a wait at once: an end that comes after this call is not missed, whenever one begins to wait.
    func ticket(for id: ExecutionID) -> ExecutionTicket {
        let ticket = ExecutionTicket()
        let closed = state.withLock { state in
            if state.closed == nil { state.tickets[id, default: []].append(ticket) }
            return state.closed
        }
        if let closed { ticket.settle(.failure(closed)) }
        return ticket
    }

    /// Nobody waits on this ticket any more.
    func discard(_ ticket: ExecutionTicket, for id: ExecutionID) {
        state.withLock { state in
            state.tickets[id]?.removeAll { $0 === ticket }
            if state.tickets[id]?.isEmpty == true { state.tickets[id] = nil }
        }
    }

    /// An execution has ended.
    func ended(_ id: ExecutionID, _ end: ExecutionEnd) {
        let tickets = state.withLock { $0.tickets.removeValue(forKey: id) }
        for ticket in tickets ?? [] { ticket.settle(.success(end)) }
    }

    /// The host closes: nobody will see an end any more.
    func close(_ error: SpindleError) {
        let tickets = state.withLock { state in
            state.closed = error
            defer { state.tickets = [:] }
            return state.tickets.values.flatMap { $0 }
        }
        for ticket in tickets { ticket.settle(.failure(error)) }
    }
}

/// One wait for the end of an execution.
final class ExecutionTicket: Sendable {
    private struct State {
        var result: Result<ExecutionEnd, any Error>?
        var continuation: CheckedContinuation<ExecutionEnd, any Error>?
    }

    private let state = Mutex(State())

    /// Waits for the end.
    ///
    /// - Throws: `interrupted` if the host closes first; `CancellationError` if the task is cancelled.
    func wait() async throws -> ExecutionEnd {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result = state.withLock { state in
                    if state.result == nil { state.continuation = continuation }
                    return state.result
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            settle(.failure(CancellationError()))
        }
    }

    /// The first result counts.
    func settle(_ result: Result<ExecutionEnd, any Error>) {
        let continuation = state.withLock { state -> CheckedContinuation<ExecutionEnd, any Error>? in
            guard state.result == nil else { return nil }
            state.result = result
            defer { state.continuation = nil }
            return state.continuation
        }
        continuation?.resume(with: result)
    }
}
