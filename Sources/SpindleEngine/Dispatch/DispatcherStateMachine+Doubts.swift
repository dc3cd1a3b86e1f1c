package import SpindleCore

/// What a batch of unknown fate leaves behind: claims that no memory knows, and work that became ready unseen.
extension DispatcherStateMachine {
    /// Nothing is claimed until what is in doubt was cleared up.
    package var isReconciling: Bool { doubts != doubtsCleared }

    /// The store failed in the middle of a batch: it may or may not have been written.
    package mutating func fateUnknown() { doubts += 1 }

    /// All that this host holds, for the store to queue the rest again; nil if that is not known at the moment.
    ///
    /// A claim or an admitted insertion under way may still be answered. A settlement under way, or written again after a failure, may
    /// have ended its attempt long ago: the store may have given the execution to this host once more.
    package var holdings: (executions: Set<ExecutionID>, doubts: UInt64)? {
        guard settlesInFlight == 0, settlesInDoubt == 0 else { return nil }
        guard types.allSatisfy({ $0.admitted == 0 && $0.claimInFlight == 0 }) else { return nil }
        return (Set(records.keys), doubts)
    }

    /// What was in doubt up to then is cleared up.
    ///
    /// - Parameter doubts: As ``holdings`` said: what failed since is in doubt still.
    package mutating func reconciled(upTo doubts: UInt64) { doubtsCleared = max(doubtsCleared, doubts) }
}
