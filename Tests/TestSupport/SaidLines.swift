public import Logging
import Synchronization

/// All that is said to a logger, with its metadata.
public final class SaidLines: Sendable {
    private let lines = Mutex("")

    /// Nothing yet.
    public init() {}

    /// One line for each message.
    public var text: String { lines.withLock { $0 } }
    /// What to say it to; every level is kept.
    public var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }

    private struct Handler: LogHandler {
        let lines: SaidLines
        var logLevel: Logger.Level = .trace
        var metadata: Logger.Metadata = [:]

        init(lines: SaidLines) { self.lines = lines }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = "\(event.message) \(event.metadata ?? [:])\n"
            lines.lines.withLock { $0 += line }
        }
    }
}
