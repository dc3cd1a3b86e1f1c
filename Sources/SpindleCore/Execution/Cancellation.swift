import Synchronization

/// Why an attempt is asked to end; the numbers are those of the plugin ABI.
public enum CancelReason: Int32, Hashable, Sendable {
    /// Somebody asked for it.
    case user = 1
    /// Its deadline has come.
    case timeout = 2
    /// The host stops.
    case shutdown = 3
    /// The host lost its lease on the execution.
    case leaseLost = 4
}

/// Tells running code that it should end; cheap to poll from any thread.
public final class Cancellation: Sendable {
    private struct State {
        var reason: CancelReason?
        var handlers: [@Sendable (CancelReason) -> Void] = []
    }

    private let state = Mutex(State())

    /// Not cancelled yet.
    public init() {}

    /// Whether the code should end.
    public var isCancelled: Bool { reason != nil }

    /// Why it should end; nil if it should not.
    public var reason: CancelReason? { state.withLock { $0.reason } }

    /// Calls back once when the end is asked for; at once if it already was. Any thread.
    public func onCancel(_ handler: @escaping @Sendable (CancelReason) -> Void) {
        let reason = state.withLock { state in
            if state.reason == nil { state.handlers.append(handler) }
            return state.reason
        }
        if let reason { handler(reason) }
    }

    /// Asks for the end. The first reason stays.
    package func cancel(_ reason: CancelReason) {
        let handlers = state.withLock { state -> [@Sendable (CancelReason) -> Void] in
            guard state.reason == nil else { return [] }
            state.reason = reason
            defer { state.handlers = [] }
            return state.handlers
        }
        for handler in handlers { handler(reason) }
    }
}
