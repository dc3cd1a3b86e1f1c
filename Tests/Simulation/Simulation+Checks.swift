import SpindleCore
import SpindleEngine

/// What the checks remember.
struct SimAudit {
    var alarms = 0
    var alarmsPending = 0
    var cancels = 0
    var starts = 0
    /// Attempts that were ended while they waited for a slot: their code must never start.
    var endedUnstarted: Set<AttemptKey> = []
    /// Starts of other types while a type could have started, were it not for the global limit.
    var passedOver: [Int] = []
    private var backlog: [Bool] = []
    private var toldDuringClaim: [Bool] = []

    init() {}
    init(types: Int) { newLife(types: types) }

    mutating func newLife(types: Int) {
        alarms = 0
        alarmsPending = 0
        cancels = 0
        starts = 0
        endedUnstarted = []
        passedOver = Array(repeating: 0, count: types)
        backlog = Array(repeating: false, count: types)
        toldDuringClaim = backlog
    }

    /// The host was told that the store has ready work of a type.
    mutating func told(_ type: Int) {
        backlog[type] = true
        toldDuringClaim[type] = true
    }
    mutating func claimOrdered(_ order: ClaimOrder) { toldDuringClaim[order.type] = false }
    mutating func claimAnswered(_ order: ClaimOrder, count: Int) {
        if count < order.limit && !toldDuringClaim[order.type] { backlog[order.type] = false }
    }
    func hasBacklog(_ type: Int) -> Bool { backlog[type] }
}

/// The invariants, each with its name.
extension Simulation {
    func checkStart(_ request: AttemptRequest, row: Int, type: Int) {
        let stored = store.rows[row]
        audit.starts += 1
        if stored.hasSucceeded { broken("noBeginAfterCommittedSuccess", "row \(row) began again after its success") }
        if !stored.exists || stored.state != .running || stored.attempt != request.key.attempt || stored.epoch != store.epoch {
            broken("noTwoValidLeases", "attempt \(request.key.attempt) of row \(row) began, but the store says \(stored.state)")
        }
        if stored.code >= 0 && codes[stored.code].key == request.key {
            broken("noTwoValidLeases", "attempt \(request.key.attempt) of row \(row) began twice")
        }
        if audit.endedUnstarted.contains(request.key) { broken("cancelledNeverStarts", "row \(row) began after its end") }
        if machine.isDraining { broken("drainStartsNothing", "row \(row) began while the host drains") }
        if !machine.types[type].takesWork { broken("withdrawnStartsNothing", "row \(row) began while its type takes no work") }
        if let record = machine.records[request.key.execution], record.deadline != now + request.policy.timeout {
            broken("outcomeFixedAtDeadline", "row \(row) began at \(now) and has its deadline at \(record.deadline)")
        }
    }

    func checkLimits(_ code: SimCode) {
        let type = world.types[code.type]
        if real.global > world.settings.maxConcurrentJobs { broken("limitsHold", "\(real.global) run at once") }
        if real.types[code.type] > type.limit { broken("limitsHold", "\(real.types[code.type]) of \(type.name) run at once") }
        if code.plugin >= 0, real.plugins[code.plugin] > world.pluginLimits[code.plugin] {
            broken("limitsHold", "\(real.plugins[code.plugin]) of plugin \(code.plugin) run at once")
        }
        let row = store.rows[code.row]
        if let key = row.keyName, let count = real.keys[key], count > row.policy.concurrencyKeyLimit {
            broken("limitsHold", "\(count) of key \(key) run at once")
        }
    }

    func checkAdmission(_ row: SimStore.Row) {
        if audit.hasBacklog(row.type) { broken("admissionKeepsOrder", "\(row.typeName) was admitted past its backlog") }
        if machine.isReconciling { broken("admissionKeepsOrder", "\(row.typeName) was admitted while claims are in doubt") }
    }

    func checkAfter(_ actions: DispatcherActions) {
        for start in actions.starts {
            for request in start.requests { checkOrder(request, type: start.type) }
        }
        for type in machine.types.indices {
            let isWaiting = !machine.types[type].ready.isEmpty
            if isWaiting && machine.mayStartMore && machine.canStart(type) {
                broken("fairness", "\(world.types[type].name) has work and a free slot, and nothing starts")
            }
            let state = machine.types[type]
            let isHeldBack = state.busy >= state.limit || machine.pluginFree(state) <= 0 || !machine.mayStartMore
            if !isWaiting || isHeldBack || machine.isDraining { audit.passedOver[type] = 0 }
        }
        guard !actions.starts.isEmpty else { return }
        let bound = 2 * (machine.types.count + 7)
        for type in machine.types.indices {
            var others = 0
            for start in actions.starts {
                if start.type == type { audit.passedOver[type] = 0 } else { others += start.requests.count }
            }
            if !machine.types[type].ready.isEmpty { audit.passedOver[type] += others }
            if audit.passedOver[type] > bound {
                broken("fairness", "\(world.types[type].name) was passed over \(audit.passedOver[type]) times")
            }
        }
    }

    /// Nothing of the same type that waits, and needs no key, may have a lower rank than what was started.
    private func checkOrder(_ request: AttemptRequest, type: Int) {
        guard let started = machine.records[request.key.execution] else { return }
        for record in machine.records.values where record.phase == .ready && record.type == type {
            if record.rank < started.rank && record.request.concurrencyKey == nil {
                broken("priorityOrder", "rank \(started.rank) of type \(world.types[type].name) began before \(record.rank)")
            }
        }
    }

    /// The dispatcher's books against its records.
    func checkBooks() {
        var global: Int32 = 0
        var running = 0
        var types = [Int32](repeating: 0, count: machine.types.count)
        var parked = [Int](repeating: 0, count: machine.types.count)
        var keys: [String: Int32] = [:]
        var turns: Set<String> = []
        var waiting: Set<String> = []
        for record in machine.records.values {
            switch record.phase {
            case .running:
                running += 1
                global += 1
                types[record.type] += 1
                if let key = record.request.concurrencyKey { keys[key, default: 0] += 1 }
                if now > record.deadline + world.settings.cancelGrace {
                    broken("everyAttemptEnds", "row \(SimStore.row(record.key.execution)) goes on after its deadline and grace")
                }
            case .parked:
                parked[record.type] += 1
                if let key = record.request.concurrencyKey { waiting.insert(key) }
            case .ready:
                if let key = record.request.concurrencyKey { turns.insert(key) }
            case .settling: break
            }
        }
        for code in machine.lingering.values {
            if !code.isAbandoned { global += 1 }
            types[code.type] += 1
            if let key = code.concurrencyKey { keys[key, default: 0] += 1 }
        }
        if machine.globalUsed != global { broken("slotsComeBack", "global \(machine.globalUsed), held \(global)") }
        if machine.runningCount != running { broken("slotsComeBack", "running \(machine.runningCount), in truth \(running)") }
        for index in types.indices {
            let type = machine.types[index]
            if type.used != types[index] { broken("slotsComeBack", "\(type.name) \(type.used), held \(types[index])") }
            if type.parked != parked[index] {
                broken("slotsComeBack", "\(type.name) parked \(type.parked), in truth \(parked[index])")
            }
        }
        for (name, key) in machine.keys where key.used != keys[name, default: 0] {
            broken("slotsComeBack", "key \(name) \(key.used), held \(keys[name, default: 0])")
        }
        for key in waiting where keys[key, default: 0] == 0 && !turns.contains(key) {
            broken("nothingLost", "those that wait for key \(key) wait for nobody")
        }
        for (name, count) in keys where machine.keys[name] == nil { broken("slotsComeBack", "key \(name) forgot \(count)") }
        if machine.deadlines.count > 2 * machine.runningCount + machine.deadlines.slack + 64 {
            broken("slotsComeBack", "\(machine.deadlines.count) deadlines for \(machine.runningCount) attempts")
        }
        if audit.alarms > 2 * (audit.starts + audit.cancels) + 2 {
            broken("slotsComeBack", "\(audit.alarms) alarms for \(audit.starts) attempts")
        }
    }

    /// At rest nothing is held, and everything that was accepted has ended.
    func checkRest() {
        for (index, row) in store.rows.enumerated() where row.exists && !row.state.isFinal {
            broken("nothingLost", "row \(index) is \(row.state) for ever")
        }
        checkBooks()
        let held = machine.types.reduce(machine.globalUsed + machine.globalReserved) { $0 + $1.used + $1.reserved }
        let inPlugins = machine.plugins.reduce(0) { $0 + $1.used + $1.reserved }
        if held != 0 || inPlugins != 0 { broken("slotsComeBack", "\(held) slots and \(inPlugins) of plugins are kept at rest") }
        if !machine.keys.isEmpty { broken("slotsComeBack", "keys \(machine.keys.keys.sorted()) are kept at rest") }
        if machine.types.contains(where: { !$0.ready.isEmpty || $0.parked != 0 || $0.admitted != 0 || $0.claimInFlight != 0 }) {
            broken("slotsComeBack", "a type keeps work at rest")
        }
        if machine.uncommittedBytes != 0 { broken("slotsComeBack", "\(machine.uncommittedBytes) bytes are uncommitted at rest") }
    }
}
