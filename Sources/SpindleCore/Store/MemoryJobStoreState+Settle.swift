extension MemoryJobStoreState {
    /// What the end of an execution did to those that waited for it.
    struct Release {
        var readyTypes: Set<String> = []
        var skipped: [ExecutionID] = []
    }

    mutating func settle(_ settlement: Settlement) -> StoreOutcome {
        let id = settlement.key.execution
        guard let slot = slotOf[id], let record = slots[slot], record.execution.state == .running,
            record.execution.attempt == settlement.key.attempt, record.epoch == settlement.lease.epoch
        else { return .stale }
        let isCancelRequested = record.execution.cancelRequestedAt != nil
        let type = record.execution.executorType
        let next: ExecutionState
        var runAt: Timestamp?
        switch settlement.next {
        case .final(let state): next = state
        case .retry(let at):
            next = isCancelRequested ? .cancelled : .retrying
            runAt = isCancelRequested ? nil : at
        case .requeue: next = isCancelRequested ? .cancelled : .queued
        }
        if case .final = settlement.next, !next.isFinal || !ExecutionState.running.canBecome(next) {
            return .conflict(.running)
        }
        move(id, to: next) { record in
            record.execution.note(settlement, next: next, runAt: runAt)
            if let runAt { record.rank = NewExecution.rank(readyAt: runAt, priority: record.execution.priority) }
            record.isSuspect = settlement.isSuspect
            if let output = settlement.result.output { record.output = output }
            if next == .succeeded { record.checkpoint = nil }
            record.attempts.append(Attempt(settlement))
        }
        var release = Release()
        if next.isFinal { releaseChildren(of: id, at: settlement.finishedAt, &release) }
        if next == .queued { release.readyTypes.insert(type) }
        return .settled(state: next, readyTypes: release.readyTypes.sorted(), skipped: release.skipped.sorted())
    }

    /// Tells those that wait for an ended execution; those whose condition is false end as `skipped`, and so on down.
    mutating func releaseChildren(of ended: ExecutionID, at: Timestamp, _ release: inout Release) {
        var pending = [ended]
        while let parent = pending.popLast() {
            guard let record = record(parent) else { continue }
            for child in record.children where self.record(child)?.execution.state == .waiting {
                switch meet(child, parent: parent, state: record.execution.state, at: at) {
                case .skipped:
                    release.skipped.append(child)
                    pending.append(child)
                case .queued(let type): release.readyTypes.insert(type)
                case .waiting: break
                }
            }
        }
    }

    private enum Met {
        case waiting
        case queued(String)
        case skipped
    }

    private mutating func meet(
        _ child: ExecutionID,
        parent: ExecutionID,
        state: ExecutionState,
        at: Timestamp
    ) -> Met {
        enum Step {
            case wait
            case skip
            case ready(runAt: Timestamp?)
        }
        let step: Step = update(child) { record in
            guard let index = record.parents.firstIndex(where: { $0.dependency.parent == parent && !$0.isMet }) else {
                return .wait
            }
            guard record.parents[index].dependency.on.isMet(by: state) else { return .skip }
            record.parents[index].isMet = true
            record.execution.pendingParents -= 1
            return record.execution.pendingParents == 0 ? .ready(runAt: record.execution.runAt) : .wait
        }
        switch step {
        case .wait:
            return .waiting
        case .skip:
            move(child, to: .skipped) { record in
                record.execution.runAt = nil
                record.execution.finishedAt = at
                record.execution.pendingParents = 0
            }
            return .skipped
        case .ready(let runAt?) where runAt > at:
            move(child, to: .scheduled) { record in
                record.rank = NewExecution.rank(readyAt: runAt, priority: record.execution.priority)
            }
            return .waiting
        case .ready:
            var type = ""
            move(child, to: .queued) { record in
                record.execution.runAt = nil
                record.rank = NewExecution.rank(readyAt: at, priority: record.execution.priority)
                type = record.execution.executorType
            }
            return .queued(type)
        }
    }
}

extension Execution {
    /// Writes down how its attempt ended.
    fileprivate mutating func note(_ settlement: Settlement, next: ExecutionState, runAt: Timestamp?) {
        self.runAt = runAt
        startedAt = settlement.startedAt
        finishedAt = next.isFinal ? settlement.finishedAt : nil
        failures = settlement.failures
        crashes = settlement.crashes
        losses = settlement.losses
        lastOutcome = settlement.outcome
        errorCode = settlement.result.errorCode
        error = StoreRules.shortened(settlement.result.errorMessage)
    }
}

extension Attempt {
    /// The attempt as its settlement describes it.
    fileprivate init(_ settlement: Settlement) {
        self.init(number: settlement.key.attempt, outcome: settlement.outcome)
        startedAt = settlement.startedAt
        finishedAt = settlement.finishedAt
        errorCode = settlement.result.errorCode
        errorMessage = settlement.result.errorMessage
        stackTrace = settlement.result.stackTrace
        details = settlement.result.details
        metadata = settlement.result.metadata
        ranOn = settlement.ranOn
    }
}
