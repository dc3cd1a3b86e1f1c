import SpindleCore

/// An execution that this host holds, from its committed claim to its committed end.
struct AttemptRecord {
    enum Phase {
        /// Waits for a slot.
        case ready
        /// Waits for a slot of its concurrency key.
        case parked
        /// Its code runs.
        case running
        /// Its outcome is fixed and handed to the store.
        case settling
    }

    let request: AttemptRequest
    let type: Int
    let rank: Int64
    var crashes: Int32
    var losses: Int32
    var phase = Phase.ready
    var startedAt: Timestamp?
    var startedMonotonic: Int64 = 0
    var deadline: Int64 = .max
    /// Why its end was asked for.
    var cancelReason: CancelReason?
    /// The outcome that nothing may change any more, while the code still runs.
    var fixed: (result: ExecutionResult, at: Timestamp)?

    init(_ claimed: ClaimedExecution, type: Int) {
        request = claimed.request
        self.type = type
        rank = claimed.rank
        crashes = claimed.crashes
        losses = claimed.losses
    }

    var key: AttemptKey { request.key }
}

/// Slots that code still holds although its attempt is settled.
struct LingeringCode {
    let type: Int
    let concurrencyKey: String?
    /// The global slot was given back: the code cannot be ended.
    var isAbandoned = false
}
