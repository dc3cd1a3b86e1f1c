import ArgumentParser
import FoundationEssentials
import Logging
import Spindle
import SpindleCore
import SpindleServer

/// What every command takes that prints something.
struct GlobalOptions: ParsableArguments {
    @OptionGroup var configuration: ConfigurationOptions
    @Flag(name: .long, help: "Prints JSON.")
    var json = false

    /// The store that was named on the command line.
    var store: String? { configuration.store }

    /// The configuration of all layers.
    func load() throws -> LoadedConfiguration { try configuration.load() }

    /// Talks to the host, or to its store if none runs.
    func access<Value: Sendable>(_ need: HostAccess.Need, _ body: (HostAccess) async throws -> Value) async throws -> Value {
        try await Self.access(configuration, need, body)
    }

    /// The same for a command that prints no JSON.
    static func access<Value: Sendable>(
        _ options: ConfigurationOptions,
        _ need: HostAccess.Need,
        _ body: (HostAccess) async throws -> Value
    ) async throws -> Value {
        let configuration = try options.load().configuration
        return try await HostAccess.with(
            configuration,
            need: need,
            environment: Host.environment,
            logger: .quiet,
            body
        )
    }
}

/// Where the configuration comes from: what every command takes.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        name: .long,
        help: "The configuration file, YAML or JSON. Default: $SPINDLE_CONFIG, else ./spindle.yaml if it is there.",
        completion: .file(extensions: ["yaml", "yml", "json"])
    )
    var config: String?
    @Option(name: .long, help: "The state directory.", completion: .directory)
    var state: String?
    @Option(name: .long, help: "The store: sqlite:/path or memory:.")
    var store: String?
    @Option(name: .long, help: "The plugin directory.", completion: .directory)
    var plugins: String?
    @Option(name: .long, help: "The socket for local commands.", completion: .file())
    var socket: String?
    @Option(name: .customLong("set"), help: "Sets any key of the configuration: KEY=VALUE. May be repeated.")
    var settings: [String] = []

    /// The configuration of all layers.
    func load() throws -> LoadedConfiguration {
        var flags: [ConfigurationLoader.Flag] = []
        for (name, key, value) in [
            ("--state", "state", state), ("--store", "store", store), ("--plugins", "plugins.directory", plugins),
            ("--socket", "socket", socket),
        ] {
            if let value { flags.append(.init(name: name, key: key, value: value)) }
        }
        for setting in settings {
            let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                throw SpindleError(.configuration, "--set \(setting): KEY=VALUE is wanted.")
            }
            flags.append(.init(name: "--set", key: String(parts[0]), value: String(parts[1])))
        }
        let loaded = try ConfigurationLoader(environment: Host.environment).load(file: config, flags: flags)
        for notice in loaded.notices { Terminal.error("spindle: \(notice)") }
        return loaded
    }
}

extension Logger {
    /// For commands of a moment: only what must be seen.
    static var quiet: Logger {
        var logger = Logger(label: "spindle") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .critical
        return logger
    }

    /// For a host that stays.
    static func host(_ configuration: HostConfiguration) -> Logger {
        Logger(label: "spindle") { label in
            HostLogHandler(label: label, level: configuration.logLevel, format: configuration.logFormat)
        }
    }
}

/// JSON for programs.
enum JSONText {
    static func print(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        Terminal.print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }
}
