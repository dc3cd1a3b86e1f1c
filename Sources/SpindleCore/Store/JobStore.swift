/// The durable truth: one verb that writes.
///
/// A batch is one transaction and one sync: when `apply` returns, everything in it is committed and durable. A throw means that the
/// whole batch is unknown: it may or may not have been written. Implementations run on threads of their own, never on the caller's.
public protocol JobStore: Sendable {
    /// Applies commands in order in one transaction.
    ///
    /// - Returns: One outcome for each command, in order.
    /// - Throws: `SpindleError` with `storeUnavailable` or `storeFull`; then the whole batch is unknown.
    func apply(_ batch: [StoreCommand]) async throws -> [StoreOutcome]
}

/// The reads of a store, for people and programs; never on the road of a job.
public protocol JobReader: Sendable {
    /// The execution of that id.
    func execution(_ id: ExecutionID) async throws -> Execution?
    /// The executions whose 32 hexadecimal digits begin or end so; at most ten.
    func executions(matching digits: String) async throws -> [ExecutionID]
    /// A page of executions, newest first.
    ///
    /// - Parameters:
    ///   - filter: Which ones.
    ///   - limit: 1 … 1,000.
    ///   - before: Only ids lower than this one: the cursor.
    func executions(_ filter: ExecutionFilter, limit: Int, before: ExecutionID?) async throws -> [Execution]
    /// Every attempt of an execution, oldest first.
    func attempts(of id: ExecutionID) async throws -> [Attempt]
    /// The payload of an execution.
    func payload(of id: ExecutionID) async throws -> Payload?
    /// The output of its last attempt that gave one.
    func output(of id: ExecutionID) async throws -> Payload?
    /// What it waits for.
    func dependencies(of id: ExecutionID) async throws -> [Dependency]
    /// The stored definitions, by name.
    func jobs() async throws -> [Job]
    /// The stored definition of that name.
    func job(named name: String) async throws -> Job?
    /// How many executions are in each state, from counters.
    func stateCounts() async throws -> [ExecutionState: Int64]
    /// The types that have queued executions, each with the lowest rank among them.
    func readyTypes() async throws -> [(type: String, rank: Int64)]
    /// When the next `scheduled` or `retrying` execution is due, or the next one expires.
    func nextDue() async throws -> Timestamp?
}

/// Which executions a reader wants: all conditions must hold; an empty filter is everything.
public struct ExecutionFilter: Hashable, Sendable {
    /// Any of these states; empty is every state.
    public var states: Set<ExecutionState> = []
    /// This executor type.
    public var type: String?
    /// This named job.
    public var jobName: String?
    /// Created at or after.
    public var createdFrom: Timestamp?
    /// Created before.
    public var createdBefore: Timestamp?

    /// Everything.
    public init() {}
}

/// Where log lines are kept.
public protocol LogStore: Sendable {
    /// Keeps lines; not synced: a power failure may lose the last ones.
    func append(_ records: [LogRecord]) async throws
    /// Lines of an execution in order.
    ///
    /// - Parameters:
    ///   - id: The execution.
    ///   - after: Only lines with a higher sequence.
    ///   - limit: At most so many.
    func records(of id: ExecutionID, after: Int64, limit: Int) async throws -> [LogRecord]
    /// Forgets the lines of executions.
    func remove(_ ids: [ExecutionID]) async throws
}

/// Where the files that attempts make are kept.
public protocol ArtefactStore: Sendable {
    /// Adds a piece to a file; `isLast` closes it. Names are checked: `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`.
    func write(_ key: AttemptKey, name: String, chunk: [UInt8], isLast: Bool) async throws
    /// The files of an execution.
    func artefacts(of id: ExecutionID) async throws -> [Artefact]
    /// The bytes of a file.
    func read(_ key: AttemptKey, name: String) async throws -> [UInt8]
    /// Forgets the files of executions.
    func remove(_ ids: [ExecutionID]) async throws
}

/// A file that an attempt made.
public struct Artefact: Hashable, Sendable {
    /// The attempt.
    public var key: AttemptKey
    /// Its checked name.
    public var name: String
    /// Its size in bytes.
    public var size: Int64
    /// SHA-256 in hexadecimal; nil while it is being written.
    public var sha256: String?

    /// Describes a file.
    public init(key: AttemptKey, name: String, size: Int64, sha256: String?) {
        self.key = key
        self.name = name
        self.size = size
        self.sha256 = sha256
    }
}
