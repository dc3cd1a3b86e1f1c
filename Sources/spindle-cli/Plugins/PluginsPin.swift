import ArgumentParser
import Spindle
import SpindleCore
import SpindlePlugins

extension Plugins {
    struct Pin: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes the digests that plugins have now into plugins.lock.",
            discussion: "One that is older than the pinned one is refused without --force."
        )
        @Argument(help: "Plugins of the directory, with or without .so.") var names: [String] = []
        @Flag(name: .long, help: "Every plugin of the directory; pins of those that are gone are taken out.") var all = false
        @Flag(name: .long, help: "Also an older version, or another plugin under the same name.") var force = false
        @OptionGroup var global: GlobalOptions

        func validate() throws {
            guard names.isEmpty == all else { throw ValidationError("Name plugins, or give --all.") }
        }

        /// One plugin in JSON.
        private struct Body: Encodable {
            var name: String
            var version: String?
            var sha256: String?
            var reason: String?
        }

        func run() async throws {
            let host = try PluginHost.forCommands(try global.load().configuration)
            let outcomes = try await host.pin(all ? nil : names, isForced: force)
            if global.json {
                try JSONText.print(
                    outcomes.map { Body(name: $0.name, version: $0.version, sha256: $0.sha256, reason: $0.reason) }
                )
            } else {
                for outcome in outcomes {
                    if let digest = outcome.sha256 {
                        Terminal.print(SafeText.line("\(outcome.name) \(outcome.version ?? "") \(digest)"))
                    }
                }
            }
            let refused = outcomes.filter { $0.reason != nil }
            for outcome in refused {
                Terminal.error(SafeText.line("spindle: \(outcome.name).so is not pinned: \(outcome.reason ?? "")."))
            }
            if !refused.isEmpty { throw CommandEnd(status: .refused) }
        }
    }
}
