import ArgumentParser
import Glibc
import Logging
import Spindle
import SpindleCore
import SpindlePlugins
import SpindleServer

/// The plugin directory.
struct Plugins: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists, inspects, adds and switches plugins, and says which are trusted.",
        subcommands: [
            List.self, Inspect.self, Check.self, Add.self, Reload.self, Enable.self, Disable.self, Release.self, Pin.self,
            Sign.self,
            Trust.self, Verify.self,
        ]
    )

    /// Prints plugins as a table.
    static func print(_ plugins: [PluginSummary]) {
        var table = Table([
            .init("PLUGIN"), .init("VERSION"), .init("STATE"), .init("TRUST"), .init("ISOLATION"),
            .init("TYPES", isFlexible: true), .init("REASON", isFlexible: true),
        ])
        for plugin in plugins {
            table.add([
                .init(plugin.name), .init(plugin.version ?? ""), .init(plugin.state),
                .init(SafeText.line(plugin.trust?.text ?? "")), .init(plugin.isolation ?? ""),
                .init(plugin.types.joined(separator: ", ")), .init(SafeText.line(plugin.reason ?? "")),
            ])
        }
        Terminal.print(table)
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists every file of the plugin directory, also the refused ones."
        )
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let plugins = try await summaries()
            if global.json { return try JSONText.print(PluginListBody(plugins: plugins)) }
            Plugins.print(plugins)
        }

        /// From the host that runs, else from the directory itself.
        private func summaries() async throws -> [PluginSummary] {
            let configuration = try global.load().configuration
            let places = try HostPlaces(configuration, environment: Host.environment)
            let access = HostAccess(socket: places.socket)
            if try await access.answers() { return try await access.plugins() }
            let host = try PluginHost.forCommands(configuration)
            return try await host.load().map { PluginView.summary($0) }
        }
    }

    struct Inspect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says all that a file says about itself, without loading it here; or how a plugin of the running host does."
        )
        @Argument(help: "A shared library, or the name of a plugin of the host that runs.", completion: .file(extensions: ["so"]))
        var file: String
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let configuration = try global.load().configuration
            if !file.contains("/"), access(file, F_OK) != 0, let known = try await ofHost(configuration) {
                if global.json { return try JSONText.print(known) }
                return Terminal.print(DefinitionText.lines(known))
            }
            let host = try PluginHost.forCommands(configuration)
            let listing = try await host.inspect(file: file)
            if global.json {
                try JSONText.print(PluginDetails(summary: PluginView.summary(listing), details: PluginView.details(listing)))
            } else {
                Terminal.print(DefinitionText.lines(listing))
            }
            if listing.manifest == nil { throw CommandEnd(status: .refused) }
        }

        /// What the host that runs knows of a plugin of that name; nil without such a host or plugin.
        private func ofHost(_ configuration: HostConfiguration) async throws -> PluginDetails? {
            let access = HostAccess(socket: try HostPlaces(configuration, environment: Host.environment).socket)
            guard try await access.answers() else { return nil }
            return try await access.plugin(named: file)
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copies a shared library into the plugin directory.",
            discussion: "A host that runs takes it up by itself, also in the place of an older version."
        )
        @Argument(help: "A shared library.", completion: .file(extensions: ["so"])) var file: String
        @Option(name: .customLong("as"), help: "Its name there, without .so.") var name: String?
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let configuration = try global.load().configuration
            let places = try HostPlaces(configuration, environment: Host.environment)
            try StateDirectory.prepare(places.state)
            try Self.makeParents(of: places.plugins)
            let path = try await PluginHost.add(file: file, as: name, to: places.plugins)
            if global.json { try JSONText.print(["path": path]) } else { Terminal.print(path) }
        }

        /// The directory itself is made, with the mode it needs, by the plugin host.
        private static func makeParents(of path: String) throws {
            guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
            let parent = String(path[..<slash])
            guard access(parent, F_OK) != 0 else { return }
            try makeParents(of: parent)
            guard mkdir(parent, 0o755) == 0 || errno == EEXIST else {
                throw SpindleError(.configuration, "The directory \(parent) cannot be made: \(String(cString: strerror(errno))).")
            }
        }
    }
}

extension PluginHost {
    /// The plugin directory of a configuration, for a command of a moment.
    static func forCommands(_ configuration: HostConfiguration) throws -> PluginHost {
        try PluginHost(configuration: settingsForCommands(configuration))
    }

    /// What such a host needs to know.
    static func settingsForCommands(_ configuration: HostConfiguration) throws -> PluginHostConfiguration {
        let places = try HostPlaces(configuration, environment: Host.environment)
        try StateDirectory.prepare(places.state)
        var settings = PluginHostConfiguration(
            directory: places.plugins,
            stateDirectory: places.state,
            workerPath: configuration.workerPath,
            probeTimeout: configuration.probeTimeout,
            reservedTypes: ["internal"],
            trust: configuration.pluginTrust,
            hostVersion: SpindleVersion.text,
            logger: .quiet
        )
        settings.refusesChanges = configuration.hygiene == .refuse
        settings.quarantineAfter = configuration.quarantineAfter
        return settings
    }
}
