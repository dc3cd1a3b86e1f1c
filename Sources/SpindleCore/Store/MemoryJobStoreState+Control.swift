extension MemoryJobStoreState {
    mutating func requestCancel(_ id: ExecutionID, at: Timestamp) -> StoreOutcome {
        guard let state = record(id)?.execution.state else { return .notFound }
        if state.isFinal { return .conflict(state) }
        if state == .running {
            update(id) { record in
                if record.execution.cancelRequestedAt == nil { record.execution.cancelRequestedAt = at }
            }
            return .cancelRequested
        }
        move(id, to: .cancelled) { record in
            record.execution.cancelRequestedAt = at
            record.execution.finishedAt = at
            record.execution.runAt = nil
            record.execution.pendingParents = 0
        }
        var release = Release()
        releaseChildren(of: id, at: at, &release)
        if release.readyTypes.isEmpty && release.skipped.isEmpty { return .applied }
        return .settled(state: .cancelled, readyTypes: release.readyTypes.sorted(), skipped: release.skipped.sorted())
    }

    mutating func retryNow(_ id: ExecutionID, extraRetries: Int32, at: Timestamp) -> StoreOutcome {
        guard let record = record(id) else { return .notFound }
        let state = record.execution.state
        guard state == .retrying || (state.isFinal && state.canBecome(.queued)) else { return .conflict(state) }
        if let scope = record.uniqueScope, let holder = unique[scope], holder != id { return .conflict(state) }
        move(id, to: .queued) { record in
            record.rank = NewExecution.rank(readyAt: at, priority: record.execution.priority)
            record.execution.runAt = nil
            record.execution.startBy = nil
            record.execution.finishedAt = nil
            record.execution.cancelRequestedAt = nil
            record.execution.extraRetries = Int32(clamping: Int64(record.execution.extraRetries) + Int64(extraRetries))
        }
        return .ready(type: record.execution.executorType)
    }

    mutating func promote(now: Timestamp, limit: Int) -> StoreOutcome {
        var release = Release()
        var overdue: [ExecutionID] = []
        while overdue.count < limit, let next = expiring.first, next.key <= now.microseconds {
            overdue.append(next.id)
            move(next.id, to: .expired) { record in
                record.execution.runAt = nil
                record.execution.finishedAt = now
                record.execution.pendingParents = 0
            }
        }
        // Only now, so that a child that is overdue itself expires whatever its parents did.
        for id in overdue { releaseChildren(of: id, at: now, &release) }
        var moved = overdue.count
        while moved < limit, let next = due.first, next.key <= now.microseconds {
            moved += 1
            move(next.id, to: .queued) { record in
                record.execution.runAt = nil
                release.readyTypes.insert(record.execution.executorType)
            }
        }
        return .promoted(
            readyTypes: release.readyTypes.sorted(),
            expired: overdue.sorted(),
            skipped: release.skipped.sorted(),
            nextDue: nextDue(),
            more: moved >= limit
        )
    }

    mutating func nextDue() -> Timestamp? {
        let keys = [due.first?.key, expiring.first?.key].compactMap { $0 }
        return keys.min().map { Timestamp(microseconds: $0) }
    }

    mutating func checkpoint(_ key: AttemptKey, epoch: Int64, _ bytes: [UInt8]) -> StoreOutcome {
        guard let record = record(key.execution), record.execution.state == .running,
            record.execution.attempt == key.attempt, record.epoch == epoch
        else { return .stale }
        update(key.execution) { $0.checkpoint = bytes }
        return .applied
    }

    mutating func upsertJob(_ job: Job) -> StoreOutcome {
        guard let name = job.name else { return .notFound }
        jobs[name] = job
        return .applied
    }

    mutating func prune(_ retention: Retention, now: Timestamp, limit: Int) -> StoreOutcome {
        let limit = min(limit, 2000)
        var removed: Set<ExecutionID> = []
        for state in ExecutionState.allCases where state.isFinal {
            let age = state == .failed ? retention.failed : retention.finished
            let before = now.advanced(byMicroseconds: -age).microseconds
            let old = removable(state, limit: limit - removed.count) { $0.key < before }
            remove(old)
            removed.formUnion(old)
        }
        let excess = Int(clamping: counts[Int(ExecutionState.succeeded.rawValue)] - retention.maxSucceeded)
        if excess > 0 {
            let surplus = removable(.succeeded, limit: min(excess, limit - removed.count)) { _ in true }
            remove(surplus)
            removed.formUnion(surplus)
        }
        idempotency = idempotency.filter { $0.value.expiresAt > now }
        return .pruned(removed.sorted())
    }

    /// The first ended executions that no live execution waits for.
    private mutating func removable(
        _ state: ExecutionState,
        limit: Int,
        while isWanted: (OrderedExecution) -> Bool
    ) -> Set<ExecutionID> {
        var found: Set<ExecutionID> = []
        var kept: [OrderedExecution] = []
        while found.count < limit, let next = ended[state]?.first, isWanted(next) {
            ended[state]?.remove(next.id)
            let hasLiveChild = record(next.id)?.children.contains { child in
                record(child).map { !$0.execution.state.isFinal } ?? false
            }
            if hasLiveChild == true { kept.append(next) } else { found.insert(next.id) }
        }
        for entry in kept { ended[state]?.insert(entry.key, entry.id) }
        return found
    }
}
