import Glibc
package import Logging
package import SpindleCore

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The host's own log on standard error: lines for people, or one JSON object a line.
package struct HostLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var logLevel: Logger.Level
    private let label: String
    private let format: HostConfiguration.LogFormat

    /// Describes a log.
    package init(label: String, level: LogLevel, format: HostConfiguration.LogFormat) {
        self.label = label
        self.format = format
        logLevel = Logger.Level(rawValue: level.name) ?? .info
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var fields = metadata.merging(event.metadata ?? [:]) { $1 }
        if let error = event.error { fields["error"] = "\(error)" }
        let sorted = fields.sorted { $0.key < $1.key }
        let now = SystemClock().now.rfc3339
        switch format {
        case .text:
            let pairs = sorted.map { " \($0.key)=\($0.value)" }.joined()
            write("\(now) \(event.level) \(label): \(event.message)\(pairs)")
        case .json:
            var object = Dictionary(sorted.map { ($0.key, "\($0.value)") }, uniquingKeysWith: { $1 })
            object["at"] = now
            object["level"] = "\(event.level)"
            object["logger"] = label
            object["message"] = "\(event.message)"
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            if let bytes = try? encoder.encode(object) { write(String(decoding: bytes, as: UTF8.self)) }
        }
    }

    /// One call for a line, so that lines of several threads do not mix.
    private func write(_ line: String) {
        let bytes = Array((SafeText.line(line) + "\n").utf8)
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }
}
