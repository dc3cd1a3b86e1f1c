package import SpindleCore

/// The life of an attempt: its result, the end of its code, its deadline, its cancellation.
extension DispatcherStateMachine {
    /// An executor has reported. Reports that belong to no current attempt are stale and dropped.
    ///
    /// - Parameter random: Gives a uniform word for the jitter; asked only if there is a wait.
    package mutating func handle(_ event: AttemptEvent, now: Int64, wall: Timestamp, random: () -> UInt64) {
        switch event {
        case .finished(let key, let result, let ranOn, let codeEnded):
            finished(key, result, ranOn: ranOn, codeEnded: codeEnded, now: now, wall: wall, random: random)
        case .codeEnded(let key):
            codeEnded(key, now: now, wall: wall, random: random)
        case .abandoned(let key):
            abandoned(key, wall: wall, random: random)
        case .log, .progress, .checkpoint, .artefact:
            break
        }
    }

    private mutating func finished(
        _ key: AttemptKey,
        _ result: ExecutionResult,
        ranOn: String?,
        codeEnded hasEnded: Bool,
        now: Int64,
        wall: Timestamp,
        random: () -> UInt64
    ) {
        guard var record = records[key.execution], record.key == key, record.phase == .running else {
            if hasEnded { codeEnded(key, now: now, wall: wall, random: random) }
            return
        }
        if record.fixed == nil {
            // The timer may be late, the deadline is not: what comes after it is too late.
            record.fixed = (now >= record.deadline ? Self.endedByHost(record) : result, wall)
            types[record.type].pace.ended(runMicroseconds: now - record.startedMonotonic, now: now)
        } else if !hasEnded {
            return
        }
        settle(record, ranOn: ranOn, codeEnded: hasEnded, random: random)
    }

    private mutating func codeEnded(_ key: AttemptKey, now: Int64, wall: Timestamp, random: () -> UInt64) {
        if let code = lingering.removeValue(forKey: key) {
            giveBackSlots(of: code)
        } else if let record = records[key.execution], record.key == key, record.phase == .running {
            var record = record
            if record.fixed == nil && now >= record.deadline { record.fixed = (Self.endedByHost(record), wall) }
            if record.fixed == nil {
                let message = "The code of \(record.request.executorType) ended without a result."
                record.fixed = (ExecutionResult.failure(message, code: "spindle.no-result", permanent: true), wall)
                record.fixed?.result.class = .rejected
            }
            settle(record, ranOn: nil, codeEnded: true, random: random)
        }
    }

    private mutating func abandoned(_ key: AttemptKey, wall: Timestamp, random: () -> UInt64) {
        if var record = records[key.execution], record.key == key, record.phase == .running {
            if record.fixed == nil { record.fixed = (Self.endedByHost(record), wall) }
            settle(record, ranOn: "in-process", codeEnded: false, random: random)
        }
        guard let code = lingering[key], !code.isAbandoned else { return }
        lingering[key]?.isAbandoned = true
        globalUsed -= 1
    }

    /// Fixes what follows and queues it for the store.
    private mutating func settle(_ record: AttemptRecord, ranOn: String?, codeEnded: Bool, random: () -> UInt64) {
        guard let fixed = record.fixed else { return }
        var record = record
        if codeEnded { giveBackSlots(of: LingeringCode(record)) } else { lingering[record.key] = LingeringCode(record) }
        runningCount -= 1
        record.phase = .settling
        records[record.key.execution] = record
        write(record, fixed.result, at: fixed.at, ranOn: ranOn, random: random)
    }

    private mutating func write(
        _ record: AttemptRecord,
        _ result: ExecutionResult,
        at: Timestamp,
        ranOn: String?,
        random: () -> UInt64
    ) {
        let decision = SettleDecision(record, result, now: at, random: random, maxCrashes: settings.maxCrashes)
        uncommittedBytes += result.output?.bytes.count ?? 0
        pendingSettles.append(
            Settlement(
                key: record.key,
                lease: lease,
                outcome: decision.outcome,
                next: decision.next,
                startedAt: record.startedAt,
                finishedAt: at,
                failures: decision.failures,
                crashes: decision.crashes,
                losses: record.losses,
                isSuspect: decision.isSuspect,
                result: result,
                ranOn: ranOn
            )
        )
    }

    /// An execution that waits for a slot here goes back to the store.
    mutating func giveBack(_ given: AttemptRecord, wall: Timestamp) {
        var record = given
        let wasParked = record.phase == .parked
        if wasParked { types[record.type].parked -= 1 }
        record.phase = .settling
        records[record.key.execution] = record
        if !wasParked, let name = record.request.concurrencyKey { unparkNext(ofKey: name) }
        let result = ExecutionResult(
            class: .deferred,
            errorCode: "spindle.plugin.paused",
            errorMessage: "\(record.request.executorType) took no new attempts; it waits in the queue."
        )
        write(record, result, at: wall, ranOn: nil) { 0 }
    }

    // MARK: Time

    /// The timer has fired: fixes the outcomes whose deadline or grace is over.
    package mutating func timerFired(now: Int64, wall: Timestamp, random: () -> UInt64) {
        // A timer that an earlier one overtook must not arm another beside it: they would never end.
        if armedTimer <= now { armedTimer = .max }
        while let entry = deadlines.popDue(now: now) {
            guard var record = records[entry.key.execution], record.key == entry.key, record.phase == .running else { continue }
            switch entry.kind {
            case .timeout:
                guard record.fixed == nil else { continue }
                if record.cancelReason == nil { record.cancelReason = .timeout }
                record.fixed = (Self.endedByHost(record), wall)
                types[record.type].pace.ended(runMicroseconds: now - record.startedMonotonic, now: now)
                records[entry.key.execution] = record
                askToEnd(record, reason: .timeout, now: now)
            case .grace:
                if record.fixed == nil { record.fixed = (Self.endedByHost(record), wall) }
                settle(record, ranOn: nil, codeEnded: false, random: random)
            }
        }
    }

    private mutating func askToEnd(_ record: AttemptRecord, reason: CancelReason, now: Int64) {
        actions.cancels.append((record.type, record.key, reason))
        deadlines.insert(.grace, record.key, at: now.saturatingAdd(settings.cancelGrace))
    }

    private static func endedByHost(_ record: AttemptRecord) -> ExecutionResult {
        switch record.cancelReason {
        case .timeout, nil:
            ExecutionResult(
                class: .timedOut,
                errorCode: "spindle.timeout",
                errorMessage: "The attempt did not end within its time limit of "
                    + "\(DurationText.text(record.request.policy.timeout))."
            )
        case .user:
            ExecutionResult(class: .cancelled, errorCode: "spindle.cancelled", errorMessage: "Cancelled on request.")
        case .shutdown, .leaseLost:
            ExecutionResult(class: .interrupted, errorCode: "spindle.interrupted", errorMessage: "The host stopped.")
        }
    }

    // MARK: Cancellation

    /// What ``cancel(_:reason:now:wall:random:)`` found.
    package enum CancelAnswer { case notHere, asked, ended }

    /// Asks for the end of an execution that this host holds; one that waits for a slot ends at once.
    @discardableResult
    package mutating func cancel(
        _ id: ExecutionID,
        reason: CancelReason,
        now: Int64,
        wall: Timestamp,
        random: UInt64
    ) -> CancelAnswer {
        guard var record = records[id] else { return .notHere }
        switch record.phase {
        case .ready, .parked:
            let wasParked = record.phase == .parked
            if wasParked { types[record.type].parked -= 1 }
            record.cancelReason = reason
            record.phase = .settling
            records[id] = record
            // It may be the one that the free slot of its key was meant for: the next in line must not wait for its end.
            if !wasParked, let name = record.request.concurrencyKey { unparkNext(ofKey: name) }
            write(record, Self.endedByHost(record), at: wall, ranOn: nil) { random }
            return .ended
        case .running:
            guard record.fixed == nil, record.cancelReason == nil else { return .asked }
            record.cancelReason = reason
            records[id] = record
            askToEnd(record, reason: reason, now: now)
            return .asked
        case .settling:
            return .ended
        }
    }

    /// Takes no new work from now on; what waits for a slot goes back to the store when the host closes.
    package mutating func drain() {
        isDraining = true
        for (id, record) in records where record.phase == .ready || record.phase == .parked { records[id] = nil }
        for index in types.indices {
            _ = types[index].ready.removeAll()
            types[index].parked = 0
        }
        keys = keys.compactMapValues { $0.used == 0 ? nil : ConcurrencyKeyState(used: $0.used) }
    }

    /// Asks everything that runs to end, because the host stops.
    package mutating func cancelAll(reason: CancelReason, now: Int64, wall: Timestamp, random: UInt64) {
        // In order, so that a seed of the simulator always gives the same run.
        for id in records.keys.sorted() { cancel(id, reason: reason, now: now, wall: wall, random: random) }
    }
}
