import ArgumentParser
import Spindle
import SpindleCore
import SpindlePlugins
import SpindleServer

extension Plugins {
    /// `spindle plugins release`.
    struct Release: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lifts the quarantine of a plugin: its waiting work runs again."
        )
        @Argument(help: "The plugin's name, as in the list.") var name: String
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let configuration = try global.load().configuration
            let places = try HostPlaces(configuration, environment: Host.environment)
            let access = HostAccess(socket: places.socket)
            let summary: PluginSummary
            if try await access.answers() {
                summary = try await access.releasePlugin(name)
            } else {
                // Nothing runs: what was kept for the next start is lifted.
                let host = try PluginHost.forCommands(configuration)
                try await host.load()
                summary = try await PluginView(host: host).release(name)
            }
            if global.json { try JSONText.print(summary) } else { Terminal.print("\(summary.name) \(summary.state)") }
        }
    }
}
