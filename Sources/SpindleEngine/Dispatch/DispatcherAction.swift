package import SpindleCore

/// What the dispatcher wants done; carried out after its lock is free.
package struct DispatcherActions {
    /// Attempts to start, by the index of their type.
    package var starts: [(type: Int, requests: [AttemptRequest])] = []
    /// Attempts to ask to end.
    package var cancels: [(type: Int, key: AttemptKey, reason: CancelReason)] = []
    /// There is something to settle or to claim: wake the loop that does it.
    package var wakeSettles = false
    package var wakeClaims = false
    /// When to call ``DispatcherStateMachine/timerFired(now:wall:random:)`` next, in monotonic microseconds; nil leaves the timer as it is.
    package var timer: Int64?
    /// The host drains, no attempt runs, and nothing is left to settle.
    package var isIdle = false

    mutating func start(_ request: AttemptRequest, type: Int) {
        if let last = starts.indices.last, starts[last].type == type {
            starts[last].requests.append(request)
        } else {
            starts.append((type, [request]))
        }
    }
}

/// A claim to make: the first so many queued executions of a type.
package struct ClaimOrder: Hashable {
    package let type: Int
    package let name: String
    package let limit: Int
}
