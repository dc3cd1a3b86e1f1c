import ArgumentParser
import Glibc
import Logging
import ServiceLifecycle
import Spindle
import SpindleCore
import SpindleEngine
import SpindlePlugins
import UnixSignals

/// Runs a host until it is told to stop.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs a host until SIGTERM or Ctrl-C; then it drains.",
        discussion: "The first signal stops taking work and lets what runs end; the second one ends it at once."
    )

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        let configuration = try options.load().configuration
        let logger = Logger.host(configuration)
        let host = try await Host(configuration, logger: logger)
        for listing in host.plugins {
            if let reason = listing.reason {
                logger.warning("\(listing.file) is not used: \(reason)")
            } else {
                logger.info("\(listing.file) serves \(listing.types.joined(separator: ", "))")
            }
        }
        if host.engine.recovered > 0 { logger.notice("\(host.engine.recovered) executions of a dead host run again") }
        logger.notice(
            "store \(host.places.store.url), socket \(host.places.socket), \(configuration.engine.maxConcurrentJobs) slots"
        )
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: host, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: logger
            )
        )
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            tasks.addTask { await Self.obey(signals, group) }
            // The host's end ends the command; the signals alone never do.
            try await tasks.next()
            tasks.cancelAll()
        }
    }

    /// The first signal drains; the second one ends the process at once: what ran is recovered at the next start.
    private static func obey(_ signals: UnixSignalsSequence, _ group: ServiceGroup) async {
        var isDraining = false
        for await signal in signals {
            if isDraining { Glibc.exit(CommandEnd.status(of: signal).rawValue) }
            isDraining = true
            await group.triggerGracefulShutdown()
        }
    }
}
