/// One change of the store. Each is a compare-and-set that reports how it went and never throws.
public enum StoreCommand: Sendable {
    /// Adds an execution. → `submitted`, `existing`, `idempotencyMismatch`, `unknownParent`
    case submit(NewExecution)
    /// Takes the first so many queued executions of a type, by rank. → `claimed`, `stale`
    case claim(type: String, limit: Int, host: HostLease, at: Timestamp)
    /// Writes down how an attempt ended and what follows. → `settled`, `stale`; `conflict` if no attempt may end so
    case settle(Settlement)
    /// Asks for the end of an execution; one that does not run becomes `cancelled` at once. → `applied`, or `settled` if that
    /// released or skipped dependants; `cancelRequested`, `conflict`, `notFound`
    case requestCancel(ExecutionID, at: Timestamp)
    /// Queues an execution that failed, was cancelled, skipped or expired again, or a `retrying` one at once.
    /// → `ready`, `conflict`, `notFound`
    case retryNow(ExecutionID, extraRetries: Int32, at: Timestamp)
    /// Moves due `scheduled` and `retrying` executions to `queued`, and overdue ones that never started to `expired`. → `promoted`
    case promote(now: Timestamp, limit: Int)
    /// Keeps bytes for the next attempt. → `applied`, `stale`
    case checkpoint(AttemptKey, epoch: Int64, [UInt8])
    /// Opens the store for a host: gives it a new epoch, and queues what dead hosts held again. → `opened`
    case openHost(HostID, leaseUntil: Timestamp, types: [String], at: Timestamp)
    /// Extends a host's lease. → `renewed`, `stale`
    case renewHost(HostLease, leaseUntil: Timestamp, at: Timestamp)
    /// Queues what the host holds in the store but not in memory, after a batch whose fate was unknown.
    /// → `promoted`, `stale`
    case releaseUnheld(HostLease, holding: Set<ExecutionID>, at: Timestamp)
    /// Gives a host's claims back (`interrupted`, not counted as losses) and forgets it; attempts that had started are settled
    /// before. → `applied`, `stale`
    case closeHost(HostLease, at: Timestamp)
    /// Adds or replaces a stored definition by name. → `applied`; `notFound` if it has no name
    case upsertJob(Job, at: Timestamp)
    /// Removes a stored definition; work already queued is not changed. → `applied`, `notFound`
    case removeJob(name: String)
    /// Removes up to `limit` final executions that are older than the retention allows. → `pruned`
    case prune(Retention, now: Timestamp, limit: Int)
}

/// How one command went.
public enum StoreOutcome: Sendable {
    /// Done.
    case applied
    /// Stored, in this state; `type` has ready work if it is `queued`.
    case submitted(ExecutionID, state: ExecutionState)
    /// A unique or idempotency key is held by this execution; nothing was stored.
    case existing(ExecutionID)
    /// The idempotency key was used with another body; nothing was stored.
    case idempotencyMismatch(ExecutionID)
    /// There is no such parent; nothing was stored.
    case unknownParent(ExecutionID)
    /// Taken, in the order of their rank. Fewer than asked for: there is no more ready work of the type.
    case claimed([ClaimedExecution])
    /// Written; these types have ready work now, from dependants or from the execution itself; `skipped` dependants are final.
    case settled(state: ExecutionState, readyTypes: [String], skipped: [ExecutionID])
    /// The attempt or the epoch is not the current one: nothing was written.
    case stale
    /// The execution's state forbids this: nothing was written.
    case conflict(ExecutionState)
    /// There is no such thing.
    case notFound
    /// It runs: the host that holds it must end it.
    case cancelRequested
    /// It is queued; its type has ready work.
    case ready(type: String)
    /// Moved; these types have ready work; the next one is due then; `more` says that the limit was reached. `skipped` waited for
    /// one that expired or was cancelled.
    case promoted(
        readyTypes: [String],
        expired: [ExecutionID],
        skipped: [ExecutionID],
        nextDue: Timestamp?,
        more: Bool
    )
    /// The host's lease, and how many executions of dead hosts were queued again.
    case opened(HostLease, recovered: Int)
    /// The lease goes on; these executions of the host were asked to end.
    case renewed(cancelRequested: [ExecutionID])
    /// So many executions were removed; the caller removes their logs and artefacts.
    case pruned([ExecutionID])
}

/// One running Spindle process.
public struct HostID: Hashable, Sendable {
    /// Sixteen bytes, made at each start.
    public let uuid: UUIDv7
    /// Names a host.
    public init(_ uuid: UUIDv7) { self.uuid = uuid }
}

/// A host's right to claim: with the attempt's ordinal its epoch is the fencing token.
public struct HostLease: Hashable, Sendable {
    /// The host.
    public let host: HostID
    /// Grows with every start of a host and every restore of the store.
    public let epoch: Int64
    /// Pairs a host with its epoch.
    public init(host: HostID, epoch: Int64) {
        self.host = host
        self.epoch = epoch
    }
}

/// An execution to add.
public struct NewExecution: Sendable {
    /// Its name.
    public var id: ExecutionID
    /// The job, with the type resolved in ``executorType``.
    public var job: Job
    /// The executor type chosen by the router, in lower case.
    public var executorType: String
    /// The resolved policy.
    public var policy: JobPolicy
    /// When it was accepted.
    public var createdAt: Timestamp
    /// Not before; nil is at once.
    public var runAt: Timestamp?
    /// Expires if not started by then.
    public var startBy: Timestamp?
    /// At most one execution of the type (or named job) with this key in a state that is not final.
    public var uniqueKey: String?
    /// The same key within 24 h gives the same execution; separate for each principal.
    public var idempotency: IdempotencyClaim?
    /// Executions that must end first.
    public var after: [Dependency]
    /// W3C trace context.
    public var traceParent: String?
    /// W3C trace state.
    public var traceState: String?
    /// Set: insert it already `running` as attempt 1 of this host, if nothing (time, parents) speaks against it.
    public var claim: HostLease?

    /// Describes an execution to add.
    public init(id: ExecutionID, job: Job, executorType: String, policy: JobPolicy, createdAt: Timestamp) {
        self.id = id
        self.job = job
        self.executorType = executorType
        self.policy = policy
        self.createdAt = createdAt
        after = []
    }

    /// The static key of ageing: `ready_at_ms − priority × 30,000`; lower runs first.
    public var rank: Int64 { Self.rank(readyAt: runAt ?? createdAt, priority: job.priority) }

    /// The static key of ageing.
    public static func rank(readyAt: Timestamp, priority: Int32) -> Int64 {
        readyAt.milliseconds - Int64(priority) * 30_000
    }
}

/// An idempotency key with what it was used for.
public struct IdempotencyClaim: Hashable, Sendable {
    /// Who submits.
    public var principal: String
    /// The key.
    public var key: String
    /// A hash of the whole submission.
    public var bodyHash: [UInt8]
    /// Until when the key is kept.
    public var expiresAt: Timestamp

    /// Describes a use of a key.
    public init(principal: String, key: String, bodyHash: [UInt8], expiresAt: Timestamp) {
        self.principal = principal
        self.key = key
        self.bodyHash = bodyHash
        self.expiresAt = expiresAt
    }
}

/// An execution that this host now holds; its attempt may be started once the claim is committed.
public struct ClaimedExecution: Sendable {
    /// What to run.
    public var request: AttemptRequest
    /// Lower runs first.
    public var rank: Int64
    /// Crashes so far.
    public var crashes: Int32
    /// Losses so far.
    public var losses: Int32

    /// Describes a claim.
    public init(request: AttemptRequest, rank: Int64, crashes: Int32 = 0, losses: Int32 = 0) {
        self.request = request
        self.rank = rank
        self.crashes = crashes
        self.losses = losses
    }
}

/// How an attempt ended and what follows, as the engine decided.
public struct Settlement: Sendable {
    /// What follows.
    public enum Next: Hashable, Sendable {
        /// The end, in this state.
        case final(ExecutionState)
        /// Another attempt at this time: `retrying`.
        case retry(at: Timestamp)
        /// Another attempt at once, in its old place: `queued`. (Interrupted.)
        case requeue
    }

    /// The attempt.
    public var key: AttemptKey
    /// The claim it was made under.
    public var lease: HostLease
    /// How it ended.
    public var outcome: AttemptOutcome
    /// What follows. With a cancel request in the store, `retry` and `requeue` become `cancelled`.
    public var next: Next
    /// When its code was started; nil if it never was.
    public var startedAt: Timestamp?
    /// When the outcome was fixed.
    public var finishedAt: Timestamp
    /// Failures and timeouts so far, this one included.
    public var failures: Int32
    /// Crashes so far, this one included.
    public var crashes: Int32
    /// Losses so far, this one included.
    public var losses: Int32
    /// Whether the next attempt must run alone.
    public var isSuspect: Bool
    /// The result with its output and error.
    public var result: ExecutionResult
    /// Who ran it.
    public var ranOn: String?

    /// Describes an end.
    public init(
        key: AttemptKey,
        lease: HostLease,
        outcome: AttemptOutcome,
        next: Next,
        startedAt: Timestamp?,
        finishedAt: Timestamp,
        failures: Int32 = 0,
        crashes: Int32 = 0,
        losses: Int32 = 0,
        isSuspect: Bool = false,
        result: ExecutionResult,
        ranOn: String? = nil
    ) {
        self.key = key
        self.lease = lease
        self.outcome = outcome
        self.next = next
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.failures = failures
        self.crashes = crashes
        self.losses = losses
        self.isSuspect = isSuspect
        self.result = result
        self.ranOn = ranOn
    }
}

/// How long final executions are kept.
public struct Retention: Hashable, Sendable {
    /// Microseconds for `succeeded`, `cancelled`, `skipped`, `expired`.
    public var finished: Int64
    /// Microseconds for `failed`.
    public var failed: Int64
    /// At most so many `succeeded` rows, whatever their age.
    public var maxSucceeded: Int64

    /// Describes a retention; the defaults are 24 h or a million rows, and 7 days for failures.
    public init(
        finished: Int64 = 86_400_000_000,
        failed: Int64 = 604_800_000_000,
        maxSucceeded: Int64 = 1_000_000
    ) {
        self.finished = finished
        self.failed = failed
        self.maxSucceeded = maxSucceeded
    }
}
