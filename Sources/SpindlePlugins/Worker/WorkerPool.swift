import Glibc
import Logging
import SpindleCore
import SpindleWire
import Synchronization

/// The workers of one executor: carries out what ``WorkerPoolStateMachine`` decides, on the loop's thread.
final class WorkerPool: AttemptBackend, WorkerConnectionDelegate, @unchecked Sendable {
    // Sendable: all mutable state is touched on the loop's thread only; `post` is the way there.
    private static let instance: UInt64 = 1
    static let logCredit: UInt64 = 1024 * 1024
    static let artefactCredit: UInt64 = 1024 * 1024

    let plan: InstancePlan
    private let image: SealedImage
    private let supervisor: PluginSupervisor
    let loop: HostLoop
    private let spawner: Spawner
    private let clock: any HostClock
    let logger: Logger
    private let hostVersion: String
    let sink: EventSink
    var machine: WorkerPoolStateMachine
    let writer = FrameWriter()
    var connections: [WorkerID: WorkerConnection] = [:]
    var pids: [WorkerID: Int32] = [:]
    /// What workers said of themselves with their answers to pings.
    var counts: (pongs: Int, staleCalls: UInt64, contractBreaches: UInt64) = (0, 0, 0)
    private var spawning = 0
    private var answers: [UInt64: @Sendable (Bool) -> Void] = [:]
    private var checkAnswers: [UInt64: @Sendable (ExecutorReport.Readiness) -> Void] = [:]
    private var lastAnswer: UInt64 = 0
    private let meter: WorkerMeter
    private var modules: [WorkerID: ModuleMap] = [:]
    private var isFlushPlanned = false
    private var hasStopped = false
    private var stopWaiters: [@Sendable () -> Void] = []
    private var drainWaiters: [@Sendable () -> Void] = []
    private var warmUpWaiters: [@Sendable (String?) -> Void] = []

    init(
        plan: InstancePlan,
        image: SealedImage,
        settings: WorkerPoolSettings,
        services: PluginServices,
        supervisor: PluginSupervisor,
        sink: EventSink
    ) {
        self.plan = plan
        self.image = image
        self.supervisor = supervisor
        loop = services.loop
        spawner = services.spawner
        clock = services.clock
        logger = services.logger
        hostVersion = services.hostVersion
        meter = services.meter
        self.sink = sink
        machine = WorkerPoolStateMachine(name: "\(plan.plugin)/\(plan.type)", settings: settings)
        machine.isPaused = supervisor.quarantine != nil
        supervisor.observe { [weak self] in self?.lookAtQuarantine() }
    }

    // MARK: Any thread

    var restartReason: String? { nil }

    func start(_ attempts: [AttemptRequest], now: Int64) {
        let taken = loop.post { [self] in turn { $0.start(attempts, startedAt: now, now: loop.now) } }
        if !taken { sink.refuse(attempts) }
    }

    func cancel(_ key: AttemptKey, reason: CancelReason, grace: Int64) {
        loop.post { [self] in turn { $0.cancel(key, reason: reason, grace: grace, now: loop.now) } }
    }

    func canExecute(_ job: Job, _ reply: @escaping @Sendable (Bool) -> Void) {
        guard plan.canBeAsked else { return reply(false) }
        let taken = loop.post { [self] in
            lastAnswer += 1
            answers[lastAnswer] = reply
            turn { $0.ask(lastAnswer, job, now: loop.now) }
        }
        if !taken { reply(false) }
    }

    func warmUp(_ reply: @escaping @Sendable (String?) -> Void) {
        let taken = loop.post { [self] in
            warmUpWaiters.append(reply)
            turn { $0.warmUp(now: loop.now) }
        }
        if !taken { reply("the plugin host has stopped") }
    }

    func whenDrained(_ done: @escaping @Sendable () -> Void) {
        let taken = loop.post { [self] in
            drainWaiters.append(done)
            perform()
        }
        if !taken { done() }
    }

    func stop(_ done: @escaping @Sendable () -> Void) {
        let taken = loop.post { [self] in
            stopWaiters.append(done)
            turn { $0.stop(now: loop.now) }
            finishStopping()
        }
        if !taken { done() }
    }

    func check(_ reply: @escaping @Sendable (ExecutorReport.Readiness) -> Void) {
        let taken = loop.post { [self] in
            lastAnswer += 1
            checkAnswers[lastAnswer] = reply
            turn { $0.check(lastAnswer, now: loop.now) }
        }
        if !taken { reply(.notReady("the plugin host is stopping")) }
    }

    func report(_ reply: @escaping @Sendable (ExecutorReport?) -> Void) {
        let taken = loop.post { [self] in
            var report = machine.report(type: plan.type, pids: pids, now: loop.now)
            (report.pongs, report.staleCalls, report.contractBreaches) = counts
            reply(report)
        }
        if !taken { reply(nil) }
    }

    private func lookAtQuarantine() {
        loop.post { [self] in turn { $0.pause(supervisor.quarantine != nil, now: loop.now) } }
    }

    // MARK: On the loop's thread

    private func turn(_ body: (inout WorkerPoolStateMachine) -> Void) {
        body(&machine)
        perform()
    }

    func perform() {
        // Carrying out one action may add others; none of them is lost and their order stays.
        while true {
            let actions = machine.takeActions()
            if actions.isEmpty { break }
            for action in actions { perform(action) }
        }
        guard !isFlushPlanned else { return }
        isFlushPlanned = true
        loop.flushLater { [self] in
            isFlushPlanned = false
            sink.send(Self.withNewestCheckpoints(machine.takeEvents(now: loop.now)))
            if !drainWaiters.isEmpty { finishDraining() }
            if !machine.hasNoActions { perform() }
        }
    }

    private func finishDraining() {
        guard machine.attempts.isEmpty || hasStopped else { return }
        let waiters = drainWaiters
        drainWaiters = []
        for waiter in waiters { waiter() }
    }

    private func perform(_ action: WorkerPoolAction) {
        switch action {
        case .spawn(let id): spawn(id)
        case .start(let id, let token, let request, let deadline): send(id, token, request, deadline)
        case .cancel(let id, let token, let reason, let grace):
            send(id, .cancel, token, spw_cancel(reason: UInt32(reason.rawValue), grace_ms: grace / 1000))
        case .signal(let id, let number): connections[id]?.signal(number)
        case .killInit(let id): connections[id]?.killInit()
        case .shutdown(let id):
            guard let connection = connections[id] else { return }
            _ = connection.queue.add(.shutdown, 0)
            connection.flushLater()
        case .ping(let id, let nonce): send(id, .ping, 0, spw_ping(nonce: nonce))
        case .measure(let id): measure(id)
        case .check(let id):
            guard let connection = connections[id] else { return }
            _ = connection.queue.add(.check, Self.instance)
            connection.flushLater()
        case .checkAnswer(let number, let readiness): checkAnswers.removeValue(forKey: number)?(readiness)
        case .ask(let id, let number, let job): ask(id, number, job)
        case .answer(let number, let yes): answers.removeValue(forKey: number)?(yes)
        case .timer(let timer, let moment):
            loop.schedule(at: moment) { [weak self] in
                guard let self else { return }
                turn { $0.timerFired(timer, now: self.loop.now) }
            }
        case .warmedUp(let failure):
            let waiters = warmUpWaiters
            warmUpWaiters = []
            for waiter in waiters { waiter(failure.map(clean)) }
        case .crashed(let what): supervisor.crashed(what)
        case .note(let text): logger.warning("\(clean(text))")
        case .stopped:
            hasStopped = true
            finishDraining()
            finishStopping()
        }
    }

    /// Text without secrets.
    func clean(_ text: String) -> String { plan.secrets?.executor.redact(text) ?? text }

    func send<Message>(_ id: WorkerID, _ type: FrameType, _ handle: UInt64, _ message: Message) {
        guard let connection = connections[id] else { return }
        _ = connection.queue.add(type, handle, message)
        connection.flushLater()
    }

    private func send(_ id: WorkerID, _ token: AttemptToken, _ request: AttemptRequest, _ deadline: Int64) {
        guard let connection = connections[id] else { return }
        var message = StartMessage.make(
            request,
            instance: Self.instance,
            deadline: deadline,
            now: loop.now,
            wallMilliseconds: clock.now.milliseconds,
            writer: writer
        )
        if plan.isTrigger {
            message.timeout_ms = -1
            message.deadline_mono_ns = -1
        }
        message.secrets = writer.pairs(plan.secrets?.of(request.key) ?? [])
        let added = connection.queue.add(.start, token, message, holdsSecrets: message.secrets.count > 0)
        writer.reset()
        connection.flushLater()
        guard !added else { return }
        let result = ExecutionResult(
            class: .rejected,
            errorCode: "spindle.too_large",
            errorMessage: "The job does not fit into a frame of 4 MiB."
        )
        machine.completed(token, by: id, result, now: loop.now)
        machine.released(token, by: id, now: loop.now)
    }

    /// Notes what a worker has loaded: when it has died, nobody can say. One short file of the system's.
    func noteModules(of id: WorkerID) { modules[id] = pids[id].map { ModuleMap(pid: $0) } }

    /// The same, without waiting for it.
    func lookAtModules(of id: WorkerID) {
        guard let pid = pids[id] else { return }
        meter.modules(of: pid) { [weak self] map in
            guard let self else { return }
            loop.post { if self.machine.workers[id] != nil { self.modules[id] = map } }
        }
    }

    private func measure(_ id: WorkerID) {
        guard let pid = connections[id]?.pid else { return }
        meter.measure(pid) { [weak self] usage in
            guard let self else { return }
            loop.post { self.turn { $0.measured(id, usage, now: self.loop.now) } }
        }
    }

    private func ask(_ id: WorkerID, _ number: UInt64, _ job: Job) {
        guard let connection = connections[id] else { return }
        var message = spw_question()
        message.uses = writer.bytes(plan.uses)
        message.type = writer.bytes(plan.type)
        message.target = writer.bytes(job.target)
        message.parameters = writer.pairs(job.parameters)
        message.payload = writer.bytes(job.payload?.bytes)
        message.content_type = writer.bytes(job.payload?.contentType)
        _ = connection.queue.add(.canExecute, number, message)
        writer.reset()
        connection.flushLater()
    }

    // MARK: Starting a worker

    private func spawn(_ id: WorkerID) {
        spawning += 1
        spawner.spawn(plugin: image.descriptor, isolation: plan.isolation) { [self] result in
            loop.post { [self] in spawned(id, result) }
        }
    }

    private func spawned(_ id: WorkerID, _ result: Result<WorkerProcess, SpindleError>) {
        spawning -= 1
        switch result {
        case .failure(let error):
            if machine.workers[id]?.phase == .starting {
                turn { $0.startFailed(id, error.message, isGone: true, now: loop.now) }
            } else {
                // The pool gave it up meanwhile.
                died(id, WorkerDeath())
            }
        case .success(let process):
            let connection = WorkerConnection(id, process, loop: loop, meter: meter, delegate: self)
            connections[id] = connection
            guard connection.open(), hello(connection) else {
                connection.giveUp()
                turn { $0.startFailed(id, "the system has no room for it", isGone: false, now: loop.now) }
                return
            }
            if machine.workers[id]?.phase != .starting { connection.signal(SIGKILL) }
        }
        finishStopping()
    }

    private func hello(_ connection: WorkerConnection) -> Bool {
        var hello = spw_hello()
        hello.build_id = writer.bytes(String(cString: spw_build_id()))
        hello.digest = writer.bytes(image.digest)
        hello.abi_minor = 0
        let threads = plan.isAsync ? min(machine.settings.attemptsPerWorker, 4) : machine.settings.attemptsPerWorker
        hello.threads = UInt32(clamping: min(threads, Int(SPW_THREADS_MAX)))
        // What an execution's log keeps does not depend on how much the host itself has to say: info and above.
        hello.log_level = 2
        hello.log_credit = Self.logCredit
        hello.artefact_credit = Self.artefactCredit
        hello.host_version = writer.bytes(hostVersion)
        var create = spw_create()
        create.uses = writer.bytes(plan.uses)
        create.type = writer.bytes(plan.type)
        create.config = writer.bytes(plan.config)
        create.secrets = writer.pairs(plan.secrets?.instance ?? [])
        create.first_file = UInt32(SPW_FD_FILES)
        create.concurrency = UInt32(clamping: machine.settings.attemptsPerWorker)
        create.is_trigger = plan.isTrigger ? 1 : 0
        let added =
            connection.queue.add(.hello, 0, hello)
            && connection.queue.add(.create, Self.instance, create, holdsSecrets: create.secrets.count > 0)
        writer.reset()
        connection.flushLater()
        return added
    }

    // MARK: Ends

    func died(_ worker: WorkerID, _ death: WorkerDeath) {
        pids[worker] = nil
        let modules = self.modules.removeValue(forKey: worker) ?? ModuleMap()
        var death = death
        if let crash = death.crash { death.places = CrashPlaces.find(crash, image: image, modules: modules) }
        turn { $0.workerDied(worker, death, now: loop.now) }
    }

    func vanished(_ worker: WorkerID) {
        connections[worker] = nil
        finishStopping()
    }

    private func finishStopping() {
        guard hasStopped, connections.isEmpty, spawning == 0, !stopWaiters.isEmpty else { return }
        let waiters = stopWaiters
        stopWaiters = []
        // After the last events.
        loop.flushLater { for waiter in waiters { waiter() } }
    }
}
