package import DequeModule
package import SpindleCore

/// The dispatcher as a pure value: slots, claims, deadlines, retries and the cancel ladder, without clock, store or threads.
///
/// Every input is a mutating method that takes the time; every effect is an action in the returned ``DispatcherActions``. The same code
/// runs under ``Dispatcher`` and under the seeded simulator of the tests.
package struct DispatcherStateMachine {
    package let lease: HostLease
    package var settings: EngineConfiguration
    package var types: [TypeState] = []
    var typeIndexes: [String: Int] = [:]
    package var plugins: [PluginState] = []
    var pluginIndexes: [String: Int] = [:]
    package var keys: [String: ConcurrencyKeyState] = [:]
    /// Every execution that this host holds.
    package var records: [ExecutionID: AttemptRecord] = [:]
    /// Code that goes on after its attempt was settled.
    package var lingering: [AttemptKey: LingeringCode] = [:]
    package var deadlines = DeadlineHeap()
    package var pendingSettles = Deque<Settlement>()
    /// Settlements handed to the store and not committed yet.
    package var settlesInFlight = 0
    /// Settlements at the head of ``pendingSettles``, or in flight again, that an earlier batch may have written already.
    var settlesInDoubt = 0
    package var uncommittedBytes = 0
    package var globalUsed: Int32 = 0
    package var globalReserved: Int32 = 0
    package var runningCount = 0
    var turn: UInt64 = 1
    /// Microseconds from handing a batch to the store to its commit (exponential average).
    var commitLatency = 1000.0
    package var isDraining = false
    /// Batches of unknown fate so far, and how many of them were cleared up: see ``isReconciling``.
    var doubts: UInt64 = 0
    var doubtsCleared: UInt64 = 0
    /// When the timer was last asked to fire.
    var armedTimer = Int64.max
    var actions = DispatcherActions()
    /// The time that attempts started by the current input get as theirs.
    var startTime: (monotonic: Int64, wall: Timestamp) = (0, Timestamp(microseconds: 0))

    static let maxUncommitted = 4096
    static let maxUncommittedBytes = 64 * 1024 * 1024
    /// Claimed executions of one type that may wait for concurrency keys before claiming stops.
    static let maxParked = 8192

    package struct PluginState {
        package let name: String
        package var limit: Int32
        package var used: Int32 = 0
        package var reserved: Int32 = 0
    }

    package struct ConcurrencyKeyState {
        package var used: Int32 = 0
        package var parked = ReadyQueue()
    }

    package init(lease: HostLease, settings: EngineConfiguration) {
        self.lease = lease
        self.settings = settings
    }

    // MARK: Executors

    /// Makes a type known, with or without an executor here, and returns its index.
    package mutating func index(ofType name: String) -> Int {
        if let index = typeIndexes[name] { return index }
        types.append(TypeState(name: name, limit: limit(of: name, descriptor: nil)))
        typeIndexes[name] = types.count - 1
        return types.count - 1
    }

    /// Takes or replaces the executor of a type.
    package mutating func serve(_ descriptor: ExecutorDescriptor) {
        let index = index(ofType: descriptor.type)
        types[index].isServed = true
        types[index].limit = limit(of: descriptor.type, descriptor: descriptor)
        let old = types[index].plugin
        let new = descriptor.plugin.map { self.index(ofPlugin: $0, limit: descriptor.pluginConcurrency) }
        // What is kept free for a claim goes along; what runs stays with the plugin whose code it is.
        if let old { plugins[old].reserved -= types[index].reserved }
        if let new { plugins[new].reserved += types[index].reserved }
        types[index].plugin = new
    }

    private mutating func index(ofPlugin name: String, limit: Int32?) -> Int {
        let limit = min(limit ?? .max, Limits.slots.upperBound)
        if let known = pluginIndexes[name] {
            plugins[known].limit = limit
            return known
        }
        plugins.append(PluginState(name: name, limit: limit))
        pluginIndexes[name] = plugins.count - 1
        return plugins.count - 1
    }

    private func limit(of type: String, descriptor: ExecutorDescriptor?) -> Int32 {
        min(descriptor?.concurrency ?? .max, settings.typeLimits[type] ?? .max, Limits.slots.upperBound)
    }

    // MARK: Submissions

    /// Whether a new execution that is ready at once may be inserted already claimed by this host.
    ///
    /// A yes reserves its place until ``admitted(_:type:)`` or ``admissionFailed(type:)``.
    package mutating func admit(type: Int, concurrencyKey: String?, keyLimit: Int32) -> Bool {
        let state = types[type]
        guard !isDraining, !isReconciling, state.takesWork, !state.storeMayHaveReady, state.claimInFlight == 0 else { return false }
        if let concurrencyKey, let key = keys[concurrencyKey], key.used >= keyLimit || !key.parked.isEmpty { return false }
        let free = min(settings.maxConcurrentJobs - globalUsed - globalReserved, state.limit - state.busy, pluginFree(state))
        let room = max(Int(free), state.pace.runAhead(commitLatency: commitLatency))
        guard state.ready.count + state.admitted < room else { return false }
        types[type].admitted += 1
        return true
    }

    /// The insertion of an admitted execution is committed: it may start.
    package mutating func admitted(_ claimed: ClaimedExecution, type: Int) {
        types[type].admitted -= 1
        hold(AttemptRecord(claimed, type: type))
    }

    /// An admitted execution was not inserted as claimed after all.
    package mutating func admissionFailed(type: Int) {
        types[type].admitted -= 1
    }

    /// The store has ready work of this type.
    package mutating func workIsReady(type name: String) {
        let index = index(ofType: name)
        types[index].storeMayHaveReady = true
        types[index].hintedDuringClaim = true
    }

    // MARK: Claims

    /// The claims to make now; each is answered by ``claimed(_:for:now:wall:)`` or ``claimFailed(_:)``.
    package mutating func takeClaimOrders() -> [ClaimOrder] {
        guard !isDraining, !isReconciling else { return [] }
        var orders: [ClaimOrder] = []
        for index in types.indices {
            let wanted = claimSize(index)
            guard wanted > 0 else { continue }
            types[index].claimInFlight = wanted
            types[index].hintedDuringClaim = false
            orders.append(ClaimOrder(type: index, name: types[index].name, limit: wanted))
        }
        return orders
    }

    func claimSize(_ index: Int) -> Int {
        let state = types[index]
        guard state.takesWork, state.storeMayHaveReady, state.claimInFlight == 0, state.parked < Self.maxParked else {
            return 0
        }
        let ahead = state.pace.runAhead(commitLatency: commitLatency) - state.ready.count
        // Small top-ups would make small commits: wait until half of the run-ahead is used.
        let topUp = ahead > 0 && ahead >= state.ready.count ? ahead : 0
        return min(1024, max(Int(state.reserved), topUp))
    }

    /// A claim is committed.
    package mutating func claimed(_ executions: [ClaimedExecution], for order: ClaimOrder, now: Int64, wall: Timestamp) {
        startTime = (now, wall)
        endClaim(order)
        if executions.count < order.limit && !types[order.type].hintedDuringClaim {
            types[order.type].storeMayHaveReady = false
        }
        for execution in executions { hold(AttemptRecord(execution, type: order.type)) }
        // What was kept free for this claim goes to it first.
        var kept = types[order.type].reserved
        release(reservationsOf: order.type)
        while kept > 0, canStart(order.type), startNext(order.type) { kept -= 1 }
    }

    /// The fate of a claim is unknown: nothing was taken as far as this host knows.
    package mutating func claimFailed(_ order: ClaimOrder) {
        endClaim(order)
        release(reservationsOf: order.type)
    }

    private mutating func endClaim(_ order: ClaimOrder) { types[order.type].claimInFlight = 0 }

    mutating func release(reservationsOf type: Int) {
        let count = types[type].reserved
        types[type].reserved = 0
        globalReserved -= count
        if let plugin = types[type].plugin { plugins[plugin].reserved -= count }
    }

    private mutating func hold(_ record: AttemptRecord) {
        // A draining host leaves it in the store: closing the host gives it back.
        guard !isDraining else { return }
        records[record.key.execution] = record
        types[record.type].ready.push(record.key.execution, rank: record.rank)
    }

    // MARK: Effects

    /// Hands out everything that the inputs since the last call want done.
    ///
    /// - Parameters:
    ///   - now: Monotonic microseconds.
    ///   - wall: The same moment in wall time.
    package mutating func takeActions(now: Int64, wall: Timestamp) -> DispatcherActions {
        giveBackWaiting(wall: wall)
        fillSlots(now: now, wall: wall)
        deadlines.compact(live: runningCount) { key in
            records[key.execution].map { $0.key == key && $0.phase == .running } ?? false
        }
        if isReconciling || (types.indices.contains { claimSize($0) > 0 } && !isDraining) { actions.wakeClaims = true }
        actions.wakeSettles = !pendingSettles.isEmpty
        if let next = deadlines.next, next < armedTimer {
            armedTimer = next
            actions.timer = next
        }
        actions.isIdle = isDraining && records.isEmpty && pendingSettles.isEmpty && settlesInFlight == 0
        defer { actions = DispatcherActions() }
        return actions
    }
}
