import Logging
import Synchronization

extension PluginHost {
    /// Looks at one plugin file as its author should: at what stands in it, what it says about itself, and what it does when it is called.
    ///
    /// Its code runs in worker processes only, at the level of the sidecar that lies beside it.
    ///
    /// - Parameters:
    ///   - path: A shared library, anywhere.
    ///   - configuration: Of the host that looks; what it says of directories and quarantines does not count.
    ///   - callLimit: How long an attempt may take, in microseconds; nil makes none.
    /// - Throws: ``SpindleError`` if the file cannot be opened at all.
    public static func check(
        file path: String,
        configuration: PluginHostConfiguration,
        callLimit: Int64? = 10_000_000
    ) async throws -> [PluginCheck] {
        let remarks = Remarks()
        var settings = configuration
        // What is only tried must not be held against the plugin where it serves.
        settings.quarantineAfter = 0
        settings.logger = Logger(label: "spindle.check") { _ in remarks }
        settings.pool.pingInterval = 50_000
        // Who does not end is ended soon: nobody else's work is at stake.
        settings.cancelGrace = 2_000_000
        settings.pool.killDelay = 1_000_000
        settings.pool.condemnedTime = 1_000_000
        let host = try PluginHost(configuration: settings)
        let examination = PluginExamination(host, callLimit: callLimit)
        do {
            try await examination.examine(path)
        } catch {
            await host.stop()
            throw error
        }
        await host.stop()
        let checks = examination.checks
        // Of what failed already the host would only say the same again.
        let isWorthTelling = checks.contains { $0.name.hasPrefix("instance ") } && !checks.contains { $0.verdict == .failed }
        if isWorthTelling { examination.add(remarks: remarks.all) }
        return examination.checks
    }

    /// Keeps warnings.
    private struct Remarks: LogHandler {
        private final class Lines: Sendable {
            let lines = Mutex<[String]>([])
        }

        private let kept = Lines()
        var logLevel = Logger.Level.warning
        var metadata: Logger.Metadata = [:]

        var all: [String] { kept.lines.withLock { $0 } }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            // A line of the plugin's own is its own affair.
            guard event.level >= logLevel, event.metadata?["plugin"] == nil else { return }
            kept.lines.withLock { $0.append("\(event.message)") }
        }
    }
}
