/// How one try ended; the last three only the host may say.
public enum AttemptOutcome: UInt8, Hashable, Sendable, CaseIterable {
    /// The plugin said success in time.
    case succeeded = 0
    /// The plugin said failure, retryable or permanent.
    case failed = 1
    /// The deadline came first.
    case timedOut = 2
    /// It was asked to end.
    case cancelled = 3
    /// It took its worker down.
    case crashed = 4
    /// It was lost through no fault of its own; burns no retry.
    case interrupted = 5
    /// The contract was broken, or the parameters were bad; never retried.
    case rejected = 6
}

extension AttemptOutcome: CustomStringConvertible, LosslessStringConvertible {
    private static let names = [
        "succeeded", "failed", "timedOut", "cancelled", "crashed", "interrupted", "rejected",
    ]

    /// The name as it stands in JSON, tables and documentation.
    public var description: String { Self.names[Int(rawValue)] }

    /// Reads such a name.
    public init?(_ description: String) {
        guard let index = Self.names.firstIndex(of: description) else { return nil }
        self.init(rawValue: UInt8(index))
    }
}
