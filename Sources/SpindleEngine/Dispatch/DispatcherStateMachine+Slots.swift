import SpindleCore

/// Slots: who may start next.
extension DispatcherStateMachine {
    /// Gives free slots to the types whose ready work has waited longest.
    mutating func fillSlots(now: Int64, wall: Timestamp) {
        startTime = (now, wall)
        guard !isDraining else { return }
        while globalUsed + globalReserved < settings.maxConcurrentJobs, mayStartMore, let type = longestWaitingType() {
            types[type].lastServed = turn
            turn += 1
            if startNext(type) { continue }
            guard types[type].storeMayHaveReady, types[type].claimInFlight == 0, types[type].parked < Self.maxParked else {
                continue
            }
            types[type].reserved += 1
            globalReserved += 1
            if let plugin = types[type].plugin { plugins[plugin].reserved += 1 }
        }
    }

    /// Starting stops while too many ends are not committed yet: a crash would repeat them all.
    package var mayStartMore: Bool {
        pendingSettles.count + settlesInFlight <= Self.maxUncommitted && uncommittedBytes <= Self.maxUncommittedBytes
    }

    private func longestWaitingType() -> Int? {
        var best: Int?
        for index in types.indices where canStart(index) && hasWork(index) {
            if let current = best, types[current].lastServed <= types[index].lastServed { continue }
            best = index
        }
        return best
    }

    private func hasWork(_ index: Int) -> Bool {
        let state = types[index]
        return !state.ready.isEmpty
            || (state.storeMayHaveReady && state.claimInFlight == 0 && state.parked < Self.maxParked)
    }

    package func canStart(_ index: Int) -> Bool {
        let state = types[index]
        return state.takesWork && state.busy < state.limit && pluginFree(state) > 0 && !isDraining
            && globalUsed + globalReserved < settings.maxConcurrentJobs
    }

    package func pluginFree(_ state: TypeState) -> Int32 {
        guard let plugin = state.plugin else { return .max }
        return plugins[plugin].limit - plugins[plugin].used - plugins[plugin].reserved
    }

    /// Starts the first ready execution of a type whose concurrency key has a slot; false if there is none.
    mutating func startNext(_ type: Int) -> Bool {
        while let id = types[type].ready.pop() {
            guard var record = records[id], record.phase == .ready else { continue }
            let request = record.request
            if let name = request.concurrencyKey {
                if keys[name, default: ConcurrencyKeyState()].used >= request.policy.concurrencyKeyLimit {
                    record.phase = .parked
                    records[id] = record
                    keys[name, default: ConcurrencyKeyState()].parked.push(id, rank: record.rank)
                    types[type].parked += 1
                    continue
                }
                keys[name, default: ConcurrencyKeyState()].used += 1
            }
            takeSlots(type)
            record.plugin = types[type].plugin
            record.phase = .running
            record.startedAt = startTime.wall
            record.startedMonotonic = startTime.monotonic
            record.deadline = startTime.monotonic.saturatingAdd(request.policy.timeout)
            records[id] = record
            runningCount += 1
            deadlines.insert(.timeout, request.key, at: record.deadline)
            actions.start(request, type: type)
            return true
        }
        return false
    }

    private mutating func takeSlots(_ type: Int) {
        globalUsed += 1
        types[type].used += 1
        if let plugin = types[type].plugin { plugins[plugin].used += 1 }
    }

    /// The code of an attempt has ended.
    mutating func giveBackSlots(of code: LingeringCode) {
        if !code.isAbandoned { globalUsed -= 1 }
        types[code.type].used -= 1
        if let plugin = code.plugin { plugins[plugin].used -= 1 }
        guard let name = code.concurrencyKey else { return }
        keys[name]?.used -= 1
        unparkNext(ofKey: name)
    }

    /// One of a key may start: its first waiting execution competes for the other slots again.
    mutating func unparkNext(ofKey name: String) {
        while let id = keys[name]?.parked.pop() {
            guard var record = records[id], record.phase == .parked else { continue }
            record.phase = .ready
            records[id] = record
            types[record.type].parked -= 1
            types[record.type].ready.push(id, rank: record.rank)
            break
        }
        if let key = keys[name], key.used == 0, key.parked.isEmpty { keys[name] = nil }
    }
}

extension Int64 {
    /// The sum, or the nearest end of the range.
    func saturatingAdd(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other > 0 ? .max : .min) : sum
    }
}
