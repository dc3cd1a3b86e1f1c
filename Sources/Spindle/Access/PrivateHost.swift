import Glibc
package import Logging
import SpindleCore
import SpindleEngine
package import SpindlePlugins

/// A host of one command: it listens at a socket that nobody else can reach, and ends with the command.
package final class PrivateHost: Sendable {
    /// The way to it.
    package let access: HostAccess
    /// What became of each file of the plugin directory.
    package let plugins: [PluginListing]
    private let directory: String
    private let work: Task<Void, any Error>

    /// Opens and starts it.
    ///
    /// - Parameters:
    ///   - configuration: What was set; the socket is its own.
    ///   - purpose: What for.
    ///   - usesPlugins: Whether plugins are looked for.
    ///   - environment: The variables.
    ///   - logger: What the host has to say.
    package init(
        _ configuration: HostConfiguration,
        purpose: Host.Purpose,
        usesPlugins: Bool,
        environment: [String: String],
        logger: Logger
    ) async throws {
        directory = try Self.makeDirectory(environment)
        var configuration = configuration
        configuration.socket = "\(directory)/socket"
        // Nobody could release a plugin while the command waits: its execution ends by its own three crashes.
        if purpose == .serving { configuration.quarantineAfter = 0 }
        let listening = Gate()
        do {
            let host = try await Host(
                configuration,
                purpose: purpose,
                usesPlugins: usesPlugins,
                isPrivate: true,
                environment: environment,
                logger: logger,
                onListening: { listening.open() }
            )
            plugins = host.plugins
            work = Task {
                defer { listening.open() }
                try await host.run()
            }
        } catch {
            rmdir(directory)
            throw error
        }
        access = HostAccess(socket: "\(directory)/socket", isHosted: purpose == .serving)
        await listening.wait()
        // Not listening means that it has ended: its own error says why.
        guard try await access.answers() else {
            try await work.value
            throw SpindleError(.internal, "The host of this command does not answer.")
        }
    }

    /// Ends it and waits until everything is written.
    package func close() async throws {
        work.cancel()
        defer { rmdir(directory) }
        try await work.value
    }

    private static func makeDirectory(_ environment: [String: String]) throws(SpindleError) -> String {
        for parent in [environment["XDG_RUNTIME_DIR"], environment["TMPDIR"], "/tmp"] {
            // A socket's path has at most 107 bytes.
            guard let parent, parent.hasPrefix("/"), parent.utf8.count <= 60 else { continue }
            var template = Array("\(parent)/spindle-XXXXXX".utf8CString)
            if mkdtemp(&template) != nil {
                return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }
        }
        throw SpindleError(.configuration, "No directory for temporary files can be written; set TMPDIR to one.")
    }
}

extension HostAccess {
    /// What a command needs of the host it talks to.
    package enum Need: Sendable {
        /// Answers; also while the store belongs to a host that does not listen.
        case reading
        /// Changes of the store; the lock is taken if no host runs.
        case writing
        /// The same, with plugins, because a submission is routed.
        case submitting
        /// A host that runs executions.
        case running
    }

    /// Finds the host of a configuration, or opens its store for the time of `body`.
    package static func with<Value: Sendable>(
        _ configuration: HostConfiguration,
        need: Need,
        environment: [String: String],
        logger: Logger,
        _ body: (HostAccess) async throws -> Value
    ) async throws -> Value {
        let places = try HostPlaces(configuration, environment: environment)
        let access = HostAccess(socket: places.socket)
        if try await access.answers() { return try await body(access) }
        if need == .running || places.store == .memory {
            throw SpindleError(.storeUnavailable, "No host listens at \(places.socket); start one with \"spindle serve\".")
        }
        let host = try await PrivateHost(
            configuration,
            purpose: need == .reading ? .reading : .accepting,
            usesPlugins: need == .submitting,
            environment: environment,
            logger: logger
        )
        do {
            let value = try await body(host.access)
            try await host.close()
            return value
        } catch {
            try? await host.close()
            throw error
        }
    }
}
