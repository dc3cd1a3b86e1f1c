import Logging
import SpindleCore
import SpindleWire

/// An executor of a plugin in the host's own process: carries out what ``InProcessStateMachine`` decides.
final class InProcessPool: AttemptBackend, @unchecked Sendable {
    // Sendable: all mutable state is touched on the loop's thread only; `post` is the way there.
    /// With so many attempts that cannot be ended the plugin takes no more.
    static let maxAbandoned = 4

    private let plan: InstancePlan
    private let session: InProcessSession
    private let services: PluginServices
    private let loop: HostLoop
    private let sink: EventSink
    private let threads: ThreadPool
    private let number: UInt64
    private let stopGrace: Int64
    private let questionTime: Int64
    private let writer = FrameWriter()
    private var machine: InProcessStateMachine
    /// Taken by the session in this turn, for the threads.
    private var accepted: [ThreadPool.Job] = []
    private var isFlushPlanned = false
    private var hasStopped = false
    private var stopWaiters: [@Sendable () -> Void] = []
    private var drainWaiters: [@Sendable () -> Void] = []

    /// Makes the instance. May block.
    ///
    /// - Parameter number: Of the instance within its plugin, from 1.
    init(
        plan: InstancePlan,
        number: UInt64,
        session: InProcessSession,
        settings: WorkerPoolSettings,
        services: PluginServices,
        sink: EventSink
    ) throws(PluginRefusal) {
        self.plan = plan
        self.session = session
        self.services = services
        self.sink = sink
        self.number = number
        loop = services.loop
        stopGrace = settings.stopGrace
        questionTime = settings.questionTime
        let limit = plan.isConcurrent ? (plan.isAsync ? 1024 : 256) : 1
        // Threads that are given up are not missed by the others.
        threads = ThreadPool(name: "plugin-\(plan.type)", limit: (plan.isAsync ? 8 : limit) + Self.maxAbandoned)
        machine = InProcessStateMachine(
            limit: limit,
            firstToken: number << InProcessSession.tokenShift,
            lingerTime: settings.lingerTime
        )
        try session.create(number, plan) { [weak self] news in self?.take(news) }
    }

    // MARK: Any thread

    var restartReason: String? {
        let count = session.abandoned
        guard count >= Self.maxAbandoned else { return nil }
        return "\(count) attempts did not end and their threads were given up"
    }

    func start(_ attempts: [AttemptRequest], now: Int64) {
        let taken = loop.post { [self] in
            let refusal = restartReason.map { reason in
                ExecutionResult(
                    class: .retryable,
                    errorCode: "spindle.plugin.restart-needed",
                    errorMessage: "\(plan.plugin) takes no new work until the host is restarted: \(reason)."
                )
            }
            turn { $0.start(attempts, startedAt: now, refusal: refusal) }
        }
        if !taken { sink.refuse(attempts) }
    }

    func cancel(_ key: AttemptKey, reason: CancelReason, grace: Int64) {
        loop.post { [self] in turn { $0.cancel(key, reason: reason, grace: grace, now: loop.now) } }
    }

    func canExecute(_ job: Job, _ reply: @escaping @Sendable (Bool) -> Void) {
        guard plan.canBeAsked else { return reply(false) }
        let once = OnceReply(reply)
        let taken = loop.post { [self] in
            loop.schedule(at: loop.now + questionTime) { once.give(false) }
            threads.submit { [self] in once.give(session.canExecute(job, plan)) }
        }
        if !taken { once.give(false) }
    }

    /// It is loaded already.
    func warmUp(_ reply: @escaping @Sendable (String?) -> Void) { reply(nil) }

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
            turn { $0.stop(grace: stopGrace, now: loop.now) }
            finishStopping()
        }
        if !taken { done() }
    }

    // MARK: On the loop's thread

    private func turn(_ body: (inout InProcessStateMachine) -> Void) {
        body(&machine)
        perform()
    }

    private func perform() {
        while true {
            let actions = machine.takeActions()
            if actions.isEmpty { break }
            for action in actions { perform(action) }
        }
        if !accepted.isEmpty {
            threads.submit(accepted)
            accepted.removeAll(keepingCapacity: true)
        }
        guard !isFlushPlanned else { return }
        isFlushPlanned = true
        loop.flushLater { [self] in
            isFlushPlanned = false
            sink.send(machine.takeEvents(now: loop.now))
            if !drainWaiters.isEmpty { finishDraining() }
            if !machine.actions.isEmpty { perform() }
        }
    }

    private func perform(_ action: InProcessAction) {
        switch action {
        case .run(let token, let request, let deadline):
            var message = StartMessage.make(
                request,
                instance: number,
                deadline: deadline,
                now: loop.now,
                wallMilliseconds: services.clock.now.milliseconds,
                writer: writer
            )
            message.secrets = writer.pairs(plan.secrets?.of(request.key) ?? [])
            let taken = session.accept(token, message)
            writer.reset()
            if taken != 0 { accepted.append { [session] in session.run(taken) } }
        case .cancel(let token, let reason, let grace): session.cancel(token, reason, grace: grace)
        case .grace(let token, let moment):
            loop.schedule(at: moment) { [weak self] in self?.turn { $0.graceOver(token) } }
        case .abandoned(let difference):
            session.countAbandoned(difference)
            if difference > 0 {
                services.logger.warning("An attempt of \(plan.plugin)/\(plan.type) did not end: its thread is given up.")
            }
        case .stopped:
            // `destroy` and `shutdown` may block, or never end: the host does not wait for more than its grace.
            let end = OnceReply { [self] _ in
                hasStopped = true
                finishDraining()
                finishStopping()
            }
            loop.schedule(at: loop.now + stopGrace) { end.give(true) }
            threads.submit { [self] in
                session.close()
                loop.post { end.give(true) }
            }
        }
    }

    private func finishDraining() {
        guard machine.isIdle || hasStopped else { return }
        let waiters = drainWaiters
        drainWaiters = []
        for waiter in waiters { waiter() }
    }

    private func take(_ news: [InProcessSession.News]) {
        for item in news {
            switch item {
            case .completed(let token, let result): machine.completed(token, result)
            case .released(let token): machine.released(token)
            case .log(let token, let line):
                if let key = machine.key(of: token) {
                    machine.emit(.log(key, line))
                } else {
                    sink.log(line, plugin: plan.plugin, logger: services.logger, now: loop.now)
                }
            case .progress(let token, let fraction, let note):
                if let key = machine.key(of: token) { machine.emit(.progress(key, fraction: fraction, note: note)) }
            case .checkpoint(let token, let bytes):
                if let key = machine.key(of: token) { machine.emit(.checkpoint(key, bytes)) }
            case .artefact(let token, let name, let chunk, let isLast):
                guard let key = machine.key(of: token) else { continue }
                machine.emit(.artefact(key, name: name, chunk: chunk, isLast: isLast))
            }
        }
        perform()
    }

    private func finishStopping() {
        guard hasStopped, !stopWaiters.isEmpty else { return }
        let waiters = stopWaiters
        stopWaiters = []
        loop.flushLater { for waiter in waiters { waiter() } }
    }
}
