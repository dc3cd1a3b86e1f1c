extension MemoryJobStoreState {
    mutating func openHost(_ host: HostID, at: Timestamp) -> StoreOutcome {
        epoch += 1
        let opened = HostLease(host: host, epoch: epoch)
        lease = opened
        var recovered = 0
        var release = Release()
        for id in running.sorted() {
            guard let record = record(id) else { continue }
            let losses = record.execution.losses + 1
            let after = StoreRules.afterLoss(
                isCancelRequested: record.execution.cancelRequestedAt != nil,
                onInterrupted: record.execution.policy.onInterrupted,
                losses: losses,
                isSuspect: record.isSuspect
            )
            switch after {
            case .requeue(let isSuspect):
                recovered += 1
                interrupt(id, to: .queued, losses: losses, StoreRules.hostLost, at: at)
                update(id) { $0.isSuspect = isSuspect }
            case .cancelled: interrupt(id, to: .cancelled, losses: losses, StoreRules.hostLost, at: at)
            case .outcomeUnknown: interrupt(id, to: .failed, losses: losses, StoreRules.outcomeUnknown, at: at)
            case .lostTooOften: interrupt(id, to: .failed, losses: losses, StoreRules.lostTooOften, at: at)
            }
            if after != .requeue(isSuspect: true) && after != .requeue(isSuspect: false) {
                releaseChildren(of: id, at: at, &release)
            }
        }
        return .opened(opened, recovered: recovered)
    }

    mutating func renewHost(_ lease: HostLease) -> StoreOutcome {
        guard lease == self.lease else { return .stale }
        let cancelled = running.filter { record($0)?.execution.cancelRequestedAt != nil }
        return .renewed(cancelRequested: cancelled.sorted())
    }

    mutating func releaseUnheld(_ lease: HostLease, holding: Set<ExecutionID>, at: Timestamp) -> StoreOutcome {
        guard lease == self.lease else { return .stale }
        let release = giveBack(except: holding, at: at)
        return .promoted(
            readyTypes: release.readyTypes.sorted(),
            expired: [],
            skipped: release.skipped.sorted(),
            nextDue: nil,
            more: false
        )
    }

    mutating func closeHost(_ lease: HostLease, at: Timestamp) -> StoreOutcome {
        guard lease == self.lease else { return .stale }
        _ = giveBack(except: [], at: at)
        self.lease = nil
        return .applied
    }

    /// Takes claims back that are not counted as losses.
    private mutating func giveBack(except holding: Set<ExecutionID>, at: Timestamp) -> Release {
        var release = Release()
        for id in running.subtracting(holding).sorted() {
            guard let execution = record(id)?.execution else { continue }
            let next: ExecutionState = execution.cancelRequestedAt == nil ? .queued : .cancelled
            interrupt(id, to: next, losses: execution.losses, StoreRules.givenBack, at: at)
            if next == .queued {
                release.readyTypes.insert(execution.executorType)
            } else {
                releaseChildren(of: id, at: at, &release)
            }
        }
        return release
    }

    private mutating func interrupt(
        _ id: ExecutionID,
        to next: ExecutionState,
        losses: Int32,
        _ note: StoreRules.Note,
        at: Timestamp
    ) {
        move(id, to: next) { record in
            record.execution.losses = losses
            record.execution.lastOutcome = .interrupted
            record.execution.errorCode = note.code
            record.execution.error = note.message
            record.execution.startedAt = nil
            if next.isFinal { record.execution.finishedAt = at }
            var attempt = Attempt(number: record.execution.attempt, outcome: .interrupted)
            attempt.finishedAt = at
            attempt.errorCode = note.code
            attempt.errorMessage = note.message
            record.attempts.append(attempt)
        }
    }
}
