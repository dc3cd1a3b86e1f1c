import ArgumentParser
import Spindle
import SpindleCore
import SpindlePlugins
import SpindleServer

extension Plugins {
    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Switches a plugin on that was switched off.")
        @Argument(help: "The plugin's name, as `plugins list` shows it.") var name: String
        @OptionGroup var global: GlobalOptions

        func run() async throws { try await Plugins.setEnabled(true, name, global) }
    }

    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Switches a plugin off: what runs ends, what is queued waits.",
            discussion: "Writes `enabled: false` into its sidecar; a host that runs takes it up."
        )
        @Argument(help: "The plugin's name, as `plugins list` shows it.") var name: String
        @OptionGroup var global: GlobalOptions

        func run() async throws { try await Plugins.setEnabled(false, name, global) }
    }

    fileprivate static func setEnabled(_ isEnabled: Bool, _ name: String, _ global: GlobalOptions) async throws {
        let places = try HostPlaces(try global.load().configuration, environment: Host.environment)
        let hasChanged = try await PluginHost.setEnabled(isEnabled, plugin: name, in: places.plugins)
        let access = HostAccess(socket: places.socket)
        if hasChanged, try await access.answers() { _ = try await access.reloadPlugins() }
        if global.json {
            try JSONText.print(["plugin": name, "enabled": "\(isEnabled)", "changed": "\(hasChanged)"])
        } else {
            Terminal.print("\(name) is \(isEnabled ? "enabled" : "disabled")\(hasChanged ? "" : " already")")
        }
    }
}
