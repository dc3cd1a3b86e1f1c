import SpindleCore

/// What the dispatcher wants done; carried out after its lock is free.
struct DispatcherActions {
    /// Attempts to start, by the index of their type.
    var starts: [(type: Int, requests: [AttemptRequest])] = []
    /// Attempts to ask to end.
    var cancels: [(type: Int, key: AttemptKey, reason: CancelReason)] = []
    /// There is something to settle or to claim: wake the loop that does it.
    var wakeSettles = false
    var wakeClaims = false
    var wakePromotion = false
    /// When to call ``DispatcherStateMachine/timerFired(now:)`` next, in monotonic microseconds; nil leaves the timer as it is.
    var timer: Int64?
    /// No attempt runs and nothing is left to settle.
    var isIdle = false

    mutating func start(_ request: AttemptRequest, type: Int) {
        if let last = starts.indices.last, starts[last].type == type {
            starts[last].requests.append(request)
        } else {
            starts.append((type, [request]))
        }
    }
}

/// A claim to make: the first so many queued executions of a type.
struct ClaimOrder: Hashable {
    let type: Int
    let name: String
    let limit: Int
}
