import Logging
import Synchronization

/// All that a host says in its log, with its metadata.
final class SaidLines: Sendable {
    private let lines = Mutex("")

    var text: String { lines.withLock { $0 } }
    var handler: any LogHandler { Handler(lines: self) }

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
