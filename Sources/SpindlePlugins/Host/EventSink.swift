import Logging
import SpindleCore
import Synchronization

/// Where the events of one executor go: to its stream, or to whoever awaits one attempt directly.
final class EventSink: Sendable {
    /// What the executor's reader reads.
    let stream: AsyncStream<[AttemptEvent]>

    private let continuation: AsyncStream<[AttemptEvent]>.Continuation
    private let direct = Mutex<[AttemptKey: @Sendable (AttemptEvent) -> Void]>([:])
    private let logBudget = Mutex(LogBudget())

    init() {
        // Unbounded, but what is in it is bounded by the attempts in flight and the credit of the workers.
        (stream, continuation) = AsyncStream.makeStream(of: [AttemptEvent].self)
    }

    /// Sends a batch on.
    func send(_ events: [AttemptEvent]) {
        guard !events.isEmpty else { return }
        let handlers = direct.withLock { $0 }
        guard !handlers.isEmpty else {
            continuation.yield(events)
            return
        }
        var others: [AttemptEvent] = []
        for event in events {
            if let handler = handlers[event.key] { handler(event) } else { others.append(event) }
        }
        if !others.isEmpty { continuation.yield(others) }
    }

    /// Says of attempts that the host has stopped.
    func refuse(_ attempts: [AttemptRequest]) {
        send(attempts.map { .finished($0.key, WorkerPoolStateMachine.stopped, ranOn: nil, codeEnded: true) })
    }

    /// Has the events of one attempt go elsewhere.
    func divert(_ key: AttemptKey, to handler: (@Sendable (AttemptEvent) -> Void)?) {
        direct.withLock { $0[key] = handler }
    }

    /// A line that belongs to no attempt: it goes to the host's own log, as far as the plugin's ``LogBudget`` reaches.
    ///
    /// - Parameter now: Microseconds of the clock that timers use.
    func log(_ line: LogLine, plugin: String, logger: Logger, now: Int64) {
        let level: Logger.Level =
            switch line.level {
            case .trace: .trace
            case .debug: .debug
            case .info: .info
            case .notice: .notice
            case .warning: .warning
            case .error: .error
            case .critical: .critical
            }
        guard level >= logger.logLevel else { return }
        var metadata: Logger.Metadata = ["plugin": "\(plugin)"]
        switch logBudget.withLock({ $0.spend(line.message.utf8.count, now: now) }) {
        case .written(droppedBefore: 0): break
        case .written(let dropped): logger.warning("\(dropped) lines of the plugin were dropped here", metadata: metadata)
        case .firstDropped:
            logger.warning("the plugin writes too much; its lines are dropped until it writes less", metadata: metadata)
            return
        case .dropped: return
        }
        for (name, value) in line.fields { metadata[name] = "\(value)" }
        logger.log(level: level, "\(line.message)", metadata: metadata)
    }

    /// Nothing more will come.
    func finish() { continuation.finish() }
}

extension AttemptEvent {
    /// The attempt that it is about.
    var key: AttemptKey {
        switch self {
        case .finished(let key, _, _, _), .codeEnded(let key), .abandoned(let key), .log(let key, _),
            .progress(let key, _, _), .checkpoint(let key, _), .artefact(let key, _, _, _):
            key
        }
    }
}
