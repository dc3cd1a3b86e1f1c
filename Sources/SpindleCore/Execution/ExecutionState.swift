/// Where an execution is in its life; ``canBecome(_:)`` is the whole table of legal transitions.
public enum ExecutionState: UInt8, Hashable, Sendable, CaseIterable {
    /// Waits for its time.
    case scheduled = 0
    /// Waits for other executions.
    case waiting = 1
    /// Ready: waits for a slot.
    case queued = 2
    /// Claimed by a host.
    case running = 3
    /// Waits for its next attempt.
    case retrying = 4
    /// Final: done.
    case succeeded = 5
    /// Final: no further attempt.
    case failed = 6
    /// Final: ended on request.
    case cancelled = 7
    /// Final: the condition on its parents was false.
    case skipped = 8
    /// Final: not started in time.
    case expired = 9

    /// Whether nothing more happens by itself.
    public var isFinal: Bool { rawValue >= ExecutionState.succeeded.rawValue }

    /// The states that a new execution may have.
    public static let initial: Set<ExecutionState> = [.scheduled, .waiting, .queued, .running, .skipped]

    /// Whether the step from this state to another is legal.
    ///
    /// A final state other than `succeeded` may go back to `queued`: that is a manual retry.
    public func canBecome(_ next: ExecutionState) -> Bool {
        switch self {
        case .scheduled: [.queued, .cancelled, .expired].contains(next)
        case .waiting: [.scheduled, .queued, .cancelled, .skipped, .expired].contains(next)
        case .queued: [.running, .cancelled, .expired].contains(next)
        case .running: [.succeeded, .failed, .cancelled, .retrying, .queued].contains(next)
        case .retrying: [.queued, .cancelled].contains(next)
        case .succeeded: false
        case .failed, .cancelled, .skipped, .expired: next == .queued
        }
    }
}

extension ExecutionState: CustomStringConvertible, LosslessStringConvertible {
    private static let names = [
        "scheduled", "waiting", "queued", "running", "retrying", "succeeded", "failed", "cancelled", "skipped",
        "expired",
    ]

    /// The name as it stands in JSON, tables and documentation.
    public var description: String { Self.names[Int(rawValue)] }

    /// Reads such a name.
    public init?(_ description: String) {
        guard let index = Self.names.firstIndex(of: description) else { return nil }
        self.init(rawValue: UInt8(index))
    }
}
