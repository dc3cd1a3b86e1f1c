import SpindleCore
import SpindleEngine

/// What a seed decides once: executors, limits, speed and how much goes wrong.
struct SimWorld {
    struct TypeOfWork {
        let name: String
        var plugin: Int?
        var limit: Int32
        /// Its code cannot be killed.
        let isInProcess: Bool
        /// Mean run time in microseconds.
        let pace: Int64
    }

    var types: [TypeOfWork] = []
    var pluginLimits: [Int32] = []
    var settings = EngineConfiguration()
    /// Between two acts of the driver.
    let gap: Int64
    /// Permille of batches that fail, and of those that are slow.
    let failing: Int
    let slow: Int
    /// Executions of one key that may run at once; submissions of one key may differ.
    let keyLimits: [Int32]

    init(_ random: inout SimRandom) {
        let count = 2 + random.below(3)
        pluginLimits = [1 + Int32(random.below(4)), 1 + Int32(random.below(4))]
        for index in 0..<count {
            let plugin = random.below(3)
            types.append(
                TypeOfWork(
                    name: ["a", "b", "c", "d"][index],
                    plugin: plugin < 2 ? plugin : nil,
                    limit: 1 + Int32(random.below(5)),
                    isInProcess: random.chance(400),
                    pace: [300, 3000, 20_000, 60_000][random.below(4)]
                )
            )
        }
        settings.maxConcurrentJobs = 1 + Int32(random.below(7))
        settings.cancelGrace = random.between(2000, 30_000)
        // From an idle host to one that cannot keep up.
        let slots = Int64(min(settings.maxConcurrentJobs, types.reduce(0) { $0 + $1.limit }))
        let work = types.reduce(0) { $0 + $1.pace } / Int64(count)
        gap = max(100, work / slots * [6, 9, 14, 25][random.below(4)] / 10)
        failing = [0, 5, 30, 120][random.below(4)]
        slow = [0, 20, 100][random.below(3)]
        keyLimits = [1, 1 + Int32(random.below(3))]
    }

    func machine(epoch: Int64) -> DispatcherStateMachine {
        let host = HostID(UUIDv7(high: 0x7000, low: UInt64(epoch)))
        var machine = DispatcherStateMachine(lease: HostLease(host: host, epoch: epoch), settings: settings)
        machine.deadlines.slack = 8
        for index in types.indices { machine.serve(descriptor(index)) }
        return machine
    }

    func descriptor(_ index: Int) -> ExecutorDescriptor {
        let type = types[index]
        return ExecutorDescriptor(
            type: type.name,
            plugin: type.plugin.map { ["p", "q"][$0] },
            concurrency: type.limit,
            pluginConcurrency: type.plugin.map { pluginLimits[$0] }
        )
    }

    /// Results that executors give, made once.
    static let results: [ExecutionResult] = [
        .success(), .retryable("busy"), .permanent("never"), .retryable("later", retryAfter: 7000),
        ExecutionResult(class: .crashed), ExecutionResult(class: .interrupted), ExecutionResult(class: .rejected),
        ExecutionResult(class: .cancelled),
    ]

    func result(_ random: inout SimRandom) -> ExecutionResult {
        let dice = random.below(100)
        switch dice {
        case ..<62: return Self.results[0]
        case ..<78: return Self.results[1]
        case ..<82: return Self.results[2]
        case ..<86: return Self.results[3]
        case ..<93: return Self.results[4]
        case ..<97: return Self.results[5]
        default: return Self.results[6 + random.below(2)]
        }
    }
}

/// Code that runs in truth.
struct SimCounts {
    var global: Int32 = 0
    var types: [Int32] = []
    var plugins: [Int32] = []
    var keys: [String: Int32] = [:]

    init() {}
    init(_ world: SimWorld) {
        types = Array(repeating: 0, count: world.types.count)
        plugins = Array(repeating: 0, count: world.pluginLimits.count)
    }
}
