/// The whole content of a ``MemoryJobStore`` with its indexes. Pure: no lock, no clock, no randomness.
struct MemoryJobStoreState: Sendable {
    /// An execution with what only the store needs.
    struct Record: Sendable {
        var execution: Execution
        var rank: Int64
        var epoch: Int64 = 0
        var isSuspect = false
        var payload: Payload?
        var output: Payload?
        var checkpoint: [UInt8]?
        var attempts: [Attempt] = []
        var parents: [Parent] = []
        var children: [ExecutionID] = []
        var uniqueScope: String?
        var traceParent: String?
        var traceState: String?
    }

    /// A condition on another execution.
    struct Parent: Sendable {
        let dependency: Dependency
        var isMet: Bool
    }

    struct IdempotencyKey: Hashable, Sendable {
        let principal: String
        let key: String
    }

    struct IdempotencyEntry: Sendable {
        let bodyHash: [UInt8]
        let execution: ExecutionID
        let expiresAt: Timestamp
    }

    private(set) var slots: [Record?] = []
    private var freeSlots: [Int] = []
    private(set) var slotOf: [ExecutionID: Int] = [:]
    /// All ids in order: new ones are nearly always the greatest.
    private(set) var order: [ExecutionID] = []
    private(set) var counts = [Int64](repeating: 0, count: ExecutionState.allCases.count)

    var ready: [String: LazyOrder] = [:]
    var due = LazyOrder()
    var expiring = LazyOrder()
    var ended: [ExecutionState: LazyOrder] = [:]
    var running: Set<ExecutionID> = []
    var unique: [String: ExecutionID] = [:]
    var idempotency: [IdempotencyKey: IdempotencyEntry] = [:]
    var jobs: [String: Job] = [:]
    var lease: HostLease?
    var epoch: Int64 = 0

    mutating func apply(_ command: StoreCommand) -> StoreOutcome {
        switch command {
        case .submit(let execution): submit(execution)
        case .claim(let type, let limit, let host, let at): claim(type, limit: limit, lease: host, at: at)
        case .settle(let settlement): settle(settlement)
        case .requestCancel(let id, let at): requestCancel(id, at: at)
        case .retryNow(let id, let extraRetries, let at): retryNow(id, extraRetries: extraRetries, at: at)
        case .promote(let now, let limit): promote(now: now, limit: limit)
        case .checkpoint(let key, let epoch, let bytes): checkpoint(key, epoch: epoch, bytes)
        case .openHost(let host, _, _, let at): openHost(host, at: at)
        case .renewHost(let lease, _, _): renewHost(lease)
        case .releaseUnheld(let lease, let holding, let at): releaseUnheld(lease, holding: holding, at: at)
        case .closeHost(let lease, let at): closeHost(lease, at: at)
        case .upsertJob(let job, _): upsertJob(job)
        case .removeJob(let name): jobs.removeValue(forKey: name) == nil ? .notFound : .applied
        case .prune(let retention, let now, let limit): prune(retention, now: now, limit: limit)
        }
    }

    /// The record of an execution, to read.
    func record(_ id: ExecutionID) -> Record? { slotOf[id].flatMap { slots[$0] } }

    /// Changes a record in place.
    mutating func update<Result>(_ id: ExecutionID, _ change: (inout Record) -> Result) -> Result {
        guard let slot = slotOf[id] else { preconditionFailure("no execution \(id)") }
        return change(&slots[slot]!)
    }

    mutating func insert(_ record: Record) {
        let id = record.execution.id
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = free
            slots[slot] = record
        } else {
            slot = slots.count
            slots.append(record)
        }
        slotOf[id] = slot
        if let last = order.last, last > id {
            order.insert(id, at: position(of: id))
        } else {
            order.append(id)
        }
        counts[Int(record.execution.state.rawValue)] += 1
        index(record)
    }

    /// Forgets executions.
    mutating func remove(_ ids: Set<ExecutionID>) {
        for id in ids {
            guard let slot = slotOf.removeValue(forKey: id), let record = slots[slot] else { continue }
            counts[Int(record.execution.state.rawValue)] -= 1
            slots[slot] = nil
            freeSlots.append(slot)
            unindex(IndexedRecord(record))
            for parent in record.parents where slotOf[parent.dependency.parent] != nil {
                update(parent.dependency.parent) { $0.children.removeAll { $0 == id } }
            }
            for child in record.children where slotOf[child] != nil {
                update(child) { $0.parents.removeAll { $0.dependency.parent == id } }
            }
        }
        order.removeAll { ids.contains($0) }
    }

    /// Takes an execution to another state with whatever else changes; keeps the indexes right.
    mutating func move(_ id: ExecutionID, to next: ExecutionState, _ change: (inout Record) -> Void) {
        guard let slot = slotOf[id], let old = slots[slot].map(IndexedRecord.init) else {
            preconditionFailure("no execution \(id)")
        }
        precondition(old.state.canBecome(next), "illegal step from \(old.state) to \(next)")
        slots[slot]!.execution.state = next
        change(&slots[slot]!)
        counts[Int(old.state.rawValue)] -= 1
        counts[Int(next.rawValue)] += 1
        unindex(old)
        index(slots[slot]!)
    }

    /// Where an id stands, or would stand, in ``order``.
    func position(of id: ExecutionID) -> Int {
        var low = 0
        var high = order.count
        while low < high {
            let middle = (low + high) / 2
            if order[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
