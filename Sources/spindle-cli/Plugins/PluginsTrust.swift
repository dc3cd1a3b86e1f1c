import ArgumentParser
import Spindle
import SpindlePlugins

extension Plugins {
    struct Trust: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds a public key to allowed_signers of the plugin directory.",
            discussion: "The key counts for signatures of plugins alone, and only with plugins.trust: signed."
        )
        @Argument(help: "A file with one public key, as ssh-keygen writes it.", completion: .file(extensions: ["pub"]))
        var key: String
        @Option(name: .long, help: "Who signs with it, for instance ada@example.com.") var principal: String
        @Option(name: .long, help: "From when it counts: YYYYMMDD[HHMM[SS]][Z].") var validAfter: String?
        @Option(name: .long, help: "Until when it counts, in the same form.") var validBefore: String?
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let configuration = try global.load().configuration
            let places = try HostPlaces(configuration, environment: Host.environment)
            let line = try await PluginSigners.trust(
                publicKey: key,
                principal: principal,
                validAfter: validAfter,
                validBefore: validBefore,
                in: places.plugins
            )
            if global.json { try JSONText.print(["added": line]) } else { Terminal.print(line) }
        }
    }
}
