import ArgumentParser
import Spindle
import SpindleCore
import SpindlePlugins

extension Plugins {
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Checks a plugin file for its author: what stands in it, what it says, what it does when it is called.",
            discussion: """
                Runs its code in workers, at the level of the sidecar beside it: instances are made with the sidecar's config, and called with \
                jobs that no executor knows. Exit status: 0 nothing failed, 1 something did, 4 there is no such file.
                """
        )
        @Argument(help: "A shared library.", completion: .file(extensions: ["so"])) var file: String
        @Flag(name: .customLong("without-calls"), help: "Makes no attempts: for a plugin that does work whatever it is asked for.")
        var withoutCalls = false
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let configuration = try global.load().configuration
            var settings = try PluginHost.settingsForCommands(configuration)
            settings.secretsDirectory = configuration.secretsDirectory
            let limit: Int64? = withoutCalls ? nil : 10_000_000
            let checks = try await PluginHost.check(file: file, configuration: settings, callLimit: limit)
            if global.json { try JSONText.print(checks.map(Self.fields)) } else { Self.print(checks) }
            if checks.contains(where: { $0.verdict == .failed }) { throw CommandEnd(status: .failed) }
        }

        private static func fields(_ check: PluginCheck) -> [String: String] {
            var fields = ["check": check.name, "verdict": check.verdict.rawValue, "message": check.message]
            fields["advice"] = check.advice
            return fields
        }

        private static func print(_ checks: [PluginCheck]) {
            var table = Table([
                .init("CHECK"), .init("VERDICT"), .init("FOUND", isFlexible: true), .init("WHAT TO DO", isFlexible: true),
            ])
            for check in checks {
                table.add([
                    .init(SafeText.line(check.name)), .init(check.verdict.rawValue), .init(SafeText.line(check.message)),
                    .init(SafeText.line(check.advice ?? "")),
                ])
            }
            Terminal.print(table)
        }
    }
}
