import ArgumentParser
import Spindle
import SpindleCore
import SpindleServer

extension Plugins {
    struct Reload: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Has the running host look at the plugin directory now.",
            discussion: "New versions that were taken back are tried again."
        )
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let places = try HostPlaces(try global.load().configuration, environment: Host.environment)
            let access = HostAccess(socket: places.socket)
            guard try await access.answers() else {
                throw SpindleError(
                    .storeUnavailable,
                    "No host runs at \(places.socket): start one with `spindle serve`, it reads the directory then."
                )
            }
            let plugins = try await access.reloadPlugins()
            if global.json { try JSONText.print(PluginListBody(plugins: plugins)) } else { Plugins.print(plugins) }
        }
    }
}
