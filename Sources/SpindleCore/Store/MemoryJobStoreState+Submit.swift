extension MemoryJobStoreState {
    mutating func submit(_ new: NewExecution) -> StoreOutcome {
        if let claim = new.idempotency {
            let known = idempotency[IdempotencyKey(principal: claim.principal, key: claim.key)]
            if let known, known.expiresAt > new.createdAt {
                return known.bodyHash == claim.bodyHash ? .existing(known.execution) : .idempotencyMismatch(known.execution)
            }
        }
        if slotOf[new.id] != nil { return .existing(new.id) }
        let scope = StoreRules.uniqueScope(new)
        if let scope, let holder = unique[scope] { return .existing(holder) }

        let dependencies = StoreRules.parents(new)
        var parents: [Parent] = []
        var isSkipped = false
        for dependency in dependencies {
            guard let parent = record(dependency.parent)?.execution.state else {
                return .unknownParent(dependency.parent)
            }
            let isMet = parent.isFinal && dependency.on.isMet(by: parent)
            if parent.isFinal && !isMet { isSkipped = true }
            parents.append(Parent(dependency: dependency, isMet: isMet))
        }
        for dependency in dependencies { update(dependency.parent) { $0.children.append(new.id) } }
        let record = newRecord(new, parents: parents, isSkipped: isSkipped, uniqueScope: scope)
        insert(record)
        if let claim = new.idempotency {
            idempotency[IdempotencyKey(principal: claim.principal, key: claim.key)] =
                IdempotencyEntry(bodyHash: claim.bodyHash, execution: new.id, expiresAt: claim.expiresAt)
        }
        return .submitted(new.id, state: record.execution.state)
    }

    private func newRecord(_ new: NewExecution, parents: [Parent], isSkipped: Bool, uniqueScope: String?) -> Record {
        let pending = parents.count { !$0.isMet }
        let claim = new.claim.flatMap { $0 == lease ? $0 : nil }
        let state =
            isSkipped
            ? .skipped : StoreRules.initialState(new, pendingParents: pending, leaseHolds: claim != nil)
        var execution = Execution(
            id: new.id,
            jobID: new.job.id,
            jobName: new.job.name,
            executorType: new.executorType,
            target: new.job.target,
            parameters: new.job.parameters,
            state: state,
            priority: new.job.priority,
            policy: new.policy,
            concurrencyKey: new.job.concurrencyKey,
            createdAt: new.createdAt
        )
        execution.startBy = new.startBy
        if state == .scheduled || state == .waiting { execution.runAt = new.runAt }
        if state == .skipped { execution.finishedAt = new.createdAt }
        if state == .waiting { execution.pendingParents = Int32(pending) }
        if state == .running { execution.attempt = 1 }
        var record = Record(execution: execution, rank: new.rank)
        if state == .running, let claim { record.epoch = claim.epoch }
        record.payload = new.job.payload
        record.parents = parents
        record.uniqueScope = uniqueScope
        record.traceParent = new.traceParent
        record.traceState = new.traceState
        return record
    }

    mutating func claim(_ type: String, limit: Int, lease: HostLease, at: Timestamp) -> StoreOutcome {
        guard lease == self.lease else { return .stale }
        var claimed: [ClaimedExecution] = []
        var overdue: [OrderedExecution] = []
        while claimed.count < limit, let next = ready[type]?.first {
            let isOverdue = update(next.id) { record in
                record.execution.attempt == 0 && record.execution.startBy.map { $0 <= at } ?? false
            }
            if isOverdue {
                ready[type]?.remove(next.id)
                overdue.append(next)
                continue
            }
            move(next.id, to: .running) { record in
                record.execution.attempt += 1
                record.epoch = lease.epoch
                claimed.append(Self.claimed(record))
            }
        }
        for entry in overdue { ready[type]?.insert(entry.key, entry.id) }
        return .claimed(claimed)
    }

    private static func claimed(_ record: Record) -> ClaimedExecution {
        let execution = record.execution
        let request = AttemptRequest(
            key: AttemptKey(execution.id, execution.attempt),
            jobID: execution.jobID,
            jobName: execution.jobName,
            executorType: execution.executorType,
            target: execution.target,
            parameters: execution.parameters,
            payload: record.payload,
            policy: execution.policy,
            failures: execution.failures,
            maxFailures: StoreRules.maxFailures(execution.policy, extraRetries: execution.extraRetries),
            isSuspect: record.isSuspect,
            concurrencyKey: execution.concurrencyKey,
            checkpoint: record.checkpoint,
            traceParent: record.traceParent,
            traceState: record.traceState
        )
        return ClaimedExecution(
            request: request,
            rank: record.rank,
            crashes: execution.crashes,
            losses: execution.losses
        )
    }
}
