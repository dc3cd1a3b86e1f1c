package import SpindleCore

/// An execution that this host holds, from its committed claim to its committed end.
package struct AttemptRecord {
    package enum Phase {
        /// Waits for a slot.
        case ready
        /// Waits for a slot of its concurrency key.
        case parked
        /// Its code runs.
        case running
        /// Its outcome is fixed and handed to the store.
        case settling
    }

    package let request: AttemptRequest
    package let type: Int
    package let rank: Int64
    var crashes: Int32
    var losses: Int32
    package var phase = Phase.ready
    /// The index of the plugin whose slot its code holds: the type may move to another one meanwhile.
    var plugin: Int?
    var startedAt: Timestamp?
    var startedMonotonic: Int64 = 0
    package var deadline: Int64 = .max
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

    package var key: AttemptKey { request.key }
}

/// Slots that code still holds although its attempt is settled.
package struct LingeringCode {
    package let type: Int
    let plugin: Int?
    package let concurrencyKey: String?
    /// The global slot was given back: the code cannot be ended.
    package var isAbandoned = false

    init(_ record: AttemptRecord) {
        type = record.type
        plugin = record.plugin
        concurrencyKey = record.request.concurrencyKey
    }
}
