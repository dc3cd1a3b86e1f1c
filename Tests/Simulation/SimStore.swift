import HeapModule
import SpindleCore

/// The durable truth of a simulation: the contract of `JobStore` in as few lines as possible, so that it can be believed.
struct SimStore {
    struct Row {
        let id: ExecutionID
        let type: Int
        let typeName: String
        let keyName: String?
        let policy: JobPolicy
        let priority: Int32
        var state = ExecutionState.queued
        var rank: Int64
        var attempt: Int32 = 0
        var failures: Int32 = 0
        var crashes: Int32 = 0
        var losses: Int32 = 0
        var extraRetries: Int32 = 0
        var epoch: Int64 = 0
        var isCancelRequested = false
        var runAt = Int64.max
        var startBy = Int64.max
        /// Committed: a row that was never written does not exist.
        var exists = false
        var hasSucceeded = false
        /// The code of its last attempt, for the checks.
        var code = -1

        var maxFailures: Int32 { (policy.retry.strategy == .none ? 0 : policy.retry.maxRetries) + 1 + extraRetries }
    }

    private struct Entry: Comparable {
        let key: Int64
        let row: Int
        static func < (left: Self, right: Self) -> Bool { left.key != right.key ? left.key < right.key : left.row < right.row }
    }

    var rows: [Row] = []
    var epoch: Int64 = 0
    /// Rows that exist and are not final.
    private(set) var open = 0
    private var ready: [Heap<Entry>]
    private var due = Heap<Entry>()
    private var expiring = Heap<Entry>()
    static let epochOfTime: Int64 = 1_700_000_000_000_000

    init(types: Int) { ready = Array(repeating: Heap(), count: types) }

    static func wall(_ now: Int64) -> Timestamp { Timestamp(microseconds: epochOfTime + now) }
    static func id(_ row: Int) -> ExecutionID {
        ExecutionID(UUIDv7(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0000 | UInt64(row)))
    }
    static func row(_ id: ExecutionID) -> Int { Int(id.uuid.low & 0xFFFF_FFFF) }

    /// Takes a row to another state, and refuses an illegal step.
    mutating func move(_ row: Int, to next: ExecutionState) {
        let old = rows[row].state
        if rows[row].exists {
            precondition(old.canBecome(next), "illegal step from \(old) to \(next)")
            if !old.isFinal { open -= 1 }
        }
        rows[row].exists = true
        rows[row].state = next
        if !next.isFinal { open += 1 }
        switch next {
        case .queued:
            ready[rows[row].type].insert(Entry(key: rows[row].rank, row: row))
            if rows[row].attempt == 0 && rows[row].startBy != .max {
                expiring.insert(Entry(key: rows[row].startBy, row: row))
            }
        case .scheduled, .retrying:
            due.insert(Entry(key: rows[row].runAt, row: row))
            if next == .scheduled && rows[row].startBy != .max { expiring.insert(Entry(key: rows[row].startBy, row: row)) }
        case .succeeded:
            rows[row].hasSucceeded = true
        default:
            break
        }
    }

    private func isReady(_ entry: Entry) -> Bool { rows[entry.row].state == .queued && rows[entry.row].rank == entry.key }

    /// The lowest rank among the queued rows of a type.
    mutating func lowestRank(ofType type: Int) -> Int64? {
        while let first = ready[type].min {
            if isReady(first) { return first.key }
            ready[type].removeMin()
        }
        return nil
    }

    mutating func claim(_ type: Int, limit: Int) -> [ClaimedExecution] {
        var claimed: [ClaimedExecution] = []
        while claimed.count < limit, let entry = ready[type].popMin() {
            guard isReady(entry) else { continue }
            move(entry.row, to: .running)
            rows[entry.row].attempt += 1
            rows[entry.row].epoch = epoch
            claimed.append(claimedExecution(entry.row))
        }
        return claimed
    }

    func claimedExecution(_ index: Int) -> ClaimedExecution {
        let row = rows[index]
        let request = AttemptRequest(
            key: AttemptKey(row.id, row.attempt),
            jobID: JobID(row.id.uuid),
            executorType: row.typeName,
            target: "",
            policy: row.policy,
            failures: row.failures,
            maxFailures: row.maxFailures,
            concurrencyKey: row.keyName
        )
        return ClaimedExecution(request: request, rank: row.rank, crashes: row.crashes, losses: row.losses)
    }

    /// The new state; nil if the settlement is stale.
    mutating func settle(_ settlement: Settlement) -> ExecutionState? {
        let index = Self.row(settlement.key.execution)
        guard rows[index].state == .running, rows[index].attempt == settlement.key.attempt,
            rows[index].epoch == settlement.lease.epoch
        else { return nil }
        rows[index].failures = settlement.failures
        rows[index].crashes = settlement.crashes
        var next: ExecutionState
        switch settlement.next {
        case .final(let state): next = state
        case .requeue: next = .queued
        case .retry(let at):
            next = .retrying
            rows[index].runAt = at.microseconds - Self.epochOfTime
            rows[index].rank = NewExecution.rank(readyAt: at, priority: rows[index].priority)
        }
        if !next.isFinal && rows[index].isCancelRequested { next = .cancelled }
        move(index, to: next)
        return next
    }

    mutating func requestCancel(_ index: Int) -> ExecutionState {
        let state = rows[index].state
        guard rows[index].exists, !state.isFinal else { return state }
        rows[index].isCancelRequested = true
        if state != .running { move(index, to: .cancelled) }
        return state
    }

    /// Whether it is queued now.
    mutating func retryNow(_ index: Int, now: Int64) -> Bool {
        let state = rows[index].state
        guard rows[index].exists, state == .retrying || (state.isFinal && state != .succeeded) else { return false }
        rows[index].rank = NewExecution.rank(readyAt: Self.wall(now), priority: rows[index].priority)
        rows[index].isCancelRequested = false
        rows[index].startBy = .max
        rows[index].extraRetries += rows[index].policy.retry.maxRetries + 1
        move(index, to: .queued)
        return true
    }

    /// Moves what is due; the types that have ready work now.
    mutating func promote(now: Int64) -> [Int] {
        while let first = expiring.min, first.key <= now {
            expiring.removeMin()
            let row = rows[first.row]
            if row.startBy == first.key, row.attempt == 0, row.state == .queued || row.state == .scheduled {
                move(first.row, to: .expired)
            }
        }
        var types: Set<Int> = []
        while let first = due.min, first.key <= now {
            due.removeMin()
            guard isDue(first) else { continue }
            move(first.row, to: .queued)
            types.insert(rows[first.row].type)
        }
        return types.sorted()
    }

    private func isDue(_ entry: Entry) -> Bool {
        let state = rows[entry.row].state
        return (state == .scheduled || state == .retrying) && rows[entry.row].runAt == entry.key
    }

    mutating func nextDue() -> Int64 {
        while let first = due.min, !isDue(first) { due.removeMin() }
        return min(due.min?.key ?? .max, expiring.min?.key ?? .max)
    }

    /// Queues again what a host holds in the store but not in memory; the types that have ready work now.
    mutating func releaseUnheld(holding: Set<ExecutionID>) -> [Int] {
        var types: Set<Int> = []
        for index in rows.indices where rows[index].state == .running && rows[index].exists {
            guard rows[index].epoch == epoch, !holding.contains(rows[index].id) else { continue }
            move(index, to: rows[index].isCancelRequested ? .cancelled : .queued)
            types.insert(rows[index].type)
        }
        return types.sorted()
    }

    /// A new host opens the store: what the old one held is lost.
    mutating func open(isClean: Bool) {
        epoch += 1
        for index in rows.indices where rows[index].exists && rows[index].state == .running {
            if !isClean { rows[index].losses += 1 }
            if rows[index].isCancelRequested {
                move(index, to: .cancelled)
            } else if !isClean && rows[index].policy.onInterrupted == .fail {
                move(index, to: .failed)
            } else {
                move(index, to: .queued)
            }
        }
    }

    var cancelRequested: [Int] {
        rows.indices.filter { rows[$0].exists && rows[$0].state == .running && rows[$0].isCancelRequested }
    }
}
