/// What every store decides alike, so that they cannot differ. Pure.
package enum StoreRules {
    /// Losses after which an execution is suspected of ending its hosts; the next one as a suspect fails it.
    package static let lossesOfSuspect: Int32 = 3
    /// The most bytes of an error in the row of its execution; the attempt keeps all of it.
    package static let errorBytes = 256

    /// What is written when an attempt ends without a result of its own.
    package struct Note: Sendable {
        /// A stable code.
        package let code: String
        /// A sentence for a person.
        package let message: String
    }

    /// The host died while it held the execution.
    package static let hostLost = Note(code: "spindle.hostLost", message: "The host that ran it was lost.")
    /// The host stopped, or gave the claim back.
    package static let givenBack = Note(code: "spindle.interrupted", message: "The host gave it back.")
    /// The host died, and the job must not run twice.
    package static let outcomeUnknown = Note(
        code: "spindle.outcomeUnknown",
        message: "The host was lost while it ran: the outcome is unknown."
    )
    /// Each host that ran it died.
    package static let lostTooOften = Note(
        code: "spindle.lostTooOften",
        message: "Every host that ran it was lost, also while it ran alone."
    )

    /// What becomes of an execution whose host died.
    package enum AfterLoss: Equatable, Sendable {
        /// Its end had been asked for.
        case cancelled
        /// It must not run twice.
        case outcomeUnknown
        /// It was lost again although it ran alone.
        case lostTooOften
        /// It runs again; alone, if it is suspect.
        case requeue(isSuspect: Bool)
    }

    /// Decides about an execution whose host died.
    ///
    /// - Parameter losses: Losses so far, this one included.
    package static func afterLoss(
        isCancelRequested: Bool,
        onInterrupted: InterruptionPolicy,
        losses: Int32,
        isSuspect: Bool
    ) -> AfterLoss {
        if isCancelRequested { return .cancelled }
        if onInterrupted == .fail { return .outcomeUnknown }
        if isSuspect && losses > lossesOfSuspect { return .lostTooOften }
        return .requeue(isSuspect: isSuspect || losses >= lossesOfSuspect)
    }

    /// Failures after which there is no further retry.
    package static func maxFailures(_ policy: JobPolicy, extraRetries: Int32) -> Int32 {
        let retries = policy.retry.strategy == .none ? 0 : Int64(policy.retry.maxRetries)
        return Int32(clamping: retries + 1 + Int64(extraRetries))
    }

    /// An error cut to what fits in the row, between characters of Unicode.
    package static func shortened(_ error: String?) -> String? { error?.cut(toBytes: errorBytes) }

    /// Whether a result is all said by the row of its execution.
    package static func isPlainSuccess(_ settlement: Settlement) -> Bool {
        let result = settlement.result
        return settlement.outcome == .succeeded && result.keptMetadata.isEmpty && result.errorCode == nil
            && result.errorMessage == nil && result.stackTrace == nil && result.details == nil
    }

    /// The scope and value of a unique key: the named job, else the type.
    package static func uniqueScope(_ execution: NewExecution) -> String? {
        guard let key = execution.uniqueKey else { return nil }
        if let name = execution.job.name { return "job\0\(name)\0\(key)" }
        return "type\0\(execution.executorType)\0\(key)"
    }

    /// The parents of an execution without repetitions: the first condition on a parent stays.
    package static func parents(_ execution: NewExecution) -> [Dependency] {
        guard execution.after.count > 1 else { return execution.after }
        var seen: Set<ExecutionID> = []
        return execution.after.filter { seen.insert($0.parent).inserted }
    }

    /// The state of a new execution whose conditions on ended parents are all true.
    package static func initialState(_ execution: NewExecution, pendingParents: Int, leaseHolds: Bool) -> ExecutionState {
        if pendingParents > 0 { return .waiting }
        if let runAt = execution.runAt, runAt > execution.createdAt { return .scheduled }
        return leaseHolds ? .running : .queued
    }
}
