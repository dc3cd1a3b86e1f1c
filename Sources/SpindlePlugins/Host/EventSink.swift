import Logging
import SpindleCore
import Synchronization

/// Where the events of one executor go: to whom the executor was told, or to whoever awaits one attempt directly.
final class EventSink: Sendable {
    private struct Receivers {
        var all: (@Sendable ([AttemptEvent]) -> Void)?
        var direct: [AttemptKey: @Sendable (AttemptEvent) -> Void] = [:]
    }

    private let receivers = Mutex(Receivers())
    private let logBudget = Mutex(LogBudget())
    /// What must not be told; nil if nothing is granted.
    private let secrets: ExecutorSecrets?
    private let ends = Mutex((tally: EndTally(), observer: (@Sendable () -> Void)?.none))

    init(secrets: ExecutorSecrets? = nil) { self.secrets = secrets }

    /// How attempts have ended so far.
    var tally: EndTally { ends.withLock { $0.tally } }

    /// Says from now on when attempts have ended; on the thread that reports them.
    func observeEnds(_ observer: (@Sendable () -> Void)?) { ends.withLock { $0.observer = observer } }

    /// Says where events go from now on.
    func report(to receiver: @escaping @Sendable ([AttemptEvent]) -> Void) { receivers.withLock { $0.all = receiver } }

    /// Text without secrets.
    func clean(_ text: String) -> String { secrets?.redact(text) ?? text }

    /// Sends a batch on.
    func send(_ events: [AttemptEvent]) {
        guard !events.isEmpty else { return }
        defer { count(events) }
        let events = secrets?.pass(events) ?? events
        let receivers = receivers.withLock { $0 }
        guard !receivers.direct.isEmpty else {
            receivers.all?(events)
            return
        }
        var others: [AttemptEvent] = []
        for event in events {
            if let handler = receivers.direct[event.key] { handler(event) } else { others.append(event) }
        }
        if !others.isEmpty { receivers.all?(others) }
    }

    private func count(_ events: [AttemptEvent]) {
        let observer = ends.withLock { ends in
            for case .finished(_, let result, _, _) in events { ends.tally.count(result) }
            return ends.observer
        }
        observer?()
    }

    /// Says of attempts that the host has stopped.
    func refuse(_ attempts: [AttemptRequest]) {
        send(attempts.map { .finished($0.key, WorkerPoolStateMachine.stopped, ranOn: nil, codeEnded: true) })
    }

    /// Has the events of one attempt go elsewhere.
    func divert(_ key: AttemptKey, to handler: (@Sendable (AttemptEvent) -> Void)?) {
        receivers.withLock { $0.direct[key] = handler }
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
        let line = secrets?.redact(line) ?? line
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
    func finish() { receivers.withLock { $0.all = nil } }
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
