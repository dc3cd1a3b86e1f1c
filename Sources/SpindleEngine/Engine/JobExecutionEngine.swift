public import Logging
public import SpindleCore
import Synchronization

/// Runs jobs durably: routing, slots, retries, timeouts, cancellation and tracking for every executor.
///
/// Made by ``open(store:executors:logs:artefacts:configuration:clock:random:logger:)``; works while ``run()`` runs. All methods may be
/// called from any thread.
public final class JobExecutionEngine: Sendable {
    let store: any JobStore & JobReader
    let artefacts: any ArtefactStore
    let configuration: EngineConfiguration
    let clock: any AlarmClock
    let random: any RandomSource
    let logger: Logger
    let lease: HostLease
    let router = ExecutorRouter()
    let dispatcher: Dispatcher
    let waiters = ExecutionWaiters()
    let promotion: Promotion
    let health: EngineHealth
    let progressBoard = ProgressBoard()
    let intake = EventIntake()
    /// Checkpoints to write with the next settlements.
    let sideWrites = Mutex<[StoreCommand]>([])
    let newExecutors: AsyncStream<any BatchExecutor>
    let newExecutorsContinuation: AsyncStream<any BatchExecutor>.Continuation
    let shutdown = Gate()
    let threads = ThreadPoolTaskExecutor(maxThreads: 256)

    /// The log of every execution.
    public let logs: LogHub
    /// Executions of dead hosts that were queued again when the store was opened.
    public let recovered: Int

    /// The reads of the store.
    public var reader: any JobReader { store }
    /// The files that attempts made.
    public var artefactStore: any ArtefactStore { artefacts }

    private init(
        store: any JobStore & JobReader,
        logs: any LogStore,
        artefacts: any ArtefactStore,
        configuration: EngineConfiguration,
        clock: any AlarmClock,
        random: any RandomSource,
        logger: Logger,
        lease: HostLease,
        recovered: Int
    ) {
        self.store = store
        self.artefacts = artefacts
        self.configuration = configuration
        self.clock = clock
        self.random = random
        self.logger = logger
        health = EngineHealth(clock: clock)
        self.lease = lease
        self.recovered = recovered
        self.logs = LogHub(store: logs, clock: clock) { id in try await store.execution(id)?.state.isFinal ?? true }
        dispatcher = Dispatcher(lease: lease, settings: configuration, clock: clock, random: random)
        promotion = Promotion(clock: clock)
        (newExecutors, newExecutorsContinuation) = AsyncStream.makeStream()
    }

    deinit { threads.stop() }

    /// Opens the store for this host: what dead hosts held is queued again, and runs once ``run()`` is called.
    ///
    /// - Parameters:
    ///   - store: The durable truth.
    ///   - executors: Those that are there from the start; more may come by ``register(_:)``.
    ///   - logs: Where log lines are kept.
    ///   - artefacts: Where files are kept.
    ///   - configuration: Limits and defaults.
    ///   - clock: Time.
    ///   - random: Identifiers and jitter.
    ///   - logger: What the engine itself has to say.
    /// - Throws: `SpindleError` if the store cannot be opened.
    public static func open(
        store: any JobStore & JobReader,
        executors: [any JobExecutor],
        logs: any LogStore,
        artefacts: any ArtefactStore,
        configuration: EngineConfiguration = EngineConfiguration(),
        clock: any AlarmClock = SystemAlarmClock(),
        random: any RandomSource = SystemRandomSource(),
        logger: Logger = Logger(label: "spindle.engine")
    ) async throws -> JobExecutionEngine {
        let now = clock.now
        let host = HostID(UUIDv7(milliseconds: now.milliseconds, random: (random.next(), random.next())))
        let types = executors.map { $0.executorType.lowercased() }
        let until = now.advanced(byMicroseconds: configuration.leaseDuration)
        let outcome = try await store.apply([.openHost(host, leaseUntil: until, types: types, at: now)]).first
        guard case .opened(let lease, let recovered)? = outcome else {
            throw SpindleError(.internal, "The store did not open for this host.", details: "\(String(describing: outcome))")
        }
        let engine = JobExecutionEngine(
            store: store,
            logs: logs,
            artefacts: artefacts,
            configuration: configuration,
            clock: clock,
            random: random,
            logger: logger,
            lease: lease,
            recovered: recovered
        )
        for executor in executors { engine.register(executor) }
        let ready = try await store.readyTypes()
        engine.dispatcher.update { machine, _, _ in
            for type in ready { machine.workIsReady(type: type.type) }
        }
        if let due = try await store.nextDue() { engine.promotion.consider(due) }
        return engine
    }

    /// Makes an identifier of this moment.
    func makeUUID() -> UUIDv7 {
        UUIDv7(milliseconds: clock.now.milliseconds, random: (random.next(), random.next()))
    }
}

/// How far running executions say they are.
public struct Progress: Hashable, Sendable {
    /// 0 … 1.
    public let fraction: Double
    /// A note for people.
    public let note: String
}

/// The last progress of each running execution; only in memory.
final class ProgressBoard: Sendable {
    private let entries = Mutex<[ExecutionID: (attempt: Int32, progress: Progress)]>([:])

    /// Notes how far an attempt is; one before the newest has nothing more to say.
    func report(_ key: AttemptKey, _ progress: Progress) {
        guard progress.fraction.isFinite else { return }
        let clamped = Progress(
            fraction: min(max(progress.fraction, 0), 1),
            note: progress.note.cut(toBytes: Limits.progressNote)
        )
        entries.withLock { entries in
            if let known = entries[key.execution], known.attempt > key.attempt { return }
            entries[key.execution] = (key.attempt, clamped)
        }
    }

    func progress(of id: ExecutionID) -> Progress? { entries.withLock { $0[id]?.progress } }

    /// These attempts are over, or their code is.
    func ended(_ keys: some Sequence<AttemptKey>) {
        entries.withLock { entries in
            guard !entries.isEmpty else { return }
            for key in keys where entries[key.execution]?.attempt == key.attempt { entries[key.execution] = nil }
        }
    }
}
