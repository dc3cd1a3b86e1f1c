/// Names one execution for ever: also its idempotency key in the plugin ABI.
public struct ExecutionID: Hashable, Comparable, Sendable {
    /// The sixteen bytes behind the name.
    public let uuid: UUIDv7

    /// Names the execution by its bytes.
    public init(_ uuid: UUIDv7) { self.uuid = uuid }

    /// Reads the 36-character form; any other text gives nil.
    public init?(_ text: some StringProtocol) {
        guard let uuid = UUIDv7(text) else { return nil }
        self.uuid = uuid
    }

    /// The last eight hexadecimal digits: what people type (the first ones are shared for a minute).
    public var short: String { String(uuid.description.suffix(8)) }

    public static func < (left: Self, right: Self) -> Bool { left.uuid < right.uuid }
}

/// Names one job: a stored definition, or the inline job of one submission.
public struct JobID: Hashable, Comparable, Sendable {
    /// The sixteen bytes behind the name.
    public let uuid: UUIDv7

    /// Names the job by its bytes.
    public init(_ uuid: UUIDv7) { self.uuid = uuid }

    /// Reads the 36-character form; any other text gives nil.
    public init?(_ text: some StringProtocol) {
        guard let uuid = UUIDv7(text) else { return nil }
        self.uuid = uuid
    }

    public static func < (left: Self, right: Self) -> Bool { left.uuid < right.uuid }
}

extension ExecutionID: CustomStringConvertible {
    /// The 36-character form.
    public var description: String { uuid.description }
}

extension JobID: CustomStringConvertible {
    /// The 36-character form.
    public var description: String { uuid.description }
}

/// One try inside an execution; with the store's epoch it is the fencing token of every write about it.
public struct AttemptKey: Hashable, Sendable {
    /// The execution.
    public let execution: ExecutionID
    /// The ordinal of the claim, from 1; never reset, also not by a manual retry.
    public let attempt: Int32

    /// Names a try.
    public init(_ execution: ExecutionID, _ attempt: Int32) {
        self.execution = execution
        self.attempt = attempt
    }
}

extension AttemptKey: CustomStringConvertible {
    /// For instance `0190…-…/2`.
    public var description: String { "\(execution)/\(attempt)" }
}
