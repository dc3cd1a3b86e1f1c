import SpindleCore

@testable import Spindle

/// Any bytes as a configuration file.
enum ConfigurationTarget {
    private static let file = "etc/spindle.yaml"

    static func test(_ bytes: [UInt8]) {
        do throws(SpindleError) {
            let parsed = try ConfigurationFile.parse(bytes, name: file)
            check(Set(parsed.settings.map(\.key.name)).count == parsed.settings.count, "each key is set once")
            var configuration = HostConfiguration()
            for setting in parsed.settings {
                check(setting.line > 0, "\(setting.key.name) has a line")
                check(setting.key.write(&configuration, setting.value), "\(setting.key.name) was checked: \(setting.value)")
                readsWhatItShows(setting.key, configuration)
            }
        } catch {
            check(error.code == .configuration, "a refusal is one of the configuration")
            check(error.message.hasPrefix(file), "a refusal names the file: \(error.message)")
            check(error.message.utf8.count < 4096, "a refusal is a sentence: \(error.message)")
        }
    }

    /// `config show` prints values that the file, the environment and the flags take as they stand.
    private static func readsWhatItShows(_ key: ConfigurationKey, _ configuration: HostConfiguration) {
        let shown = key.value(in: configuration)
        // An empty text is how `config show` says "not set".
        guard !shown.isEmpty else { return }
        var again = HostConfiguration()
        check(key.write(&again, shown), "\(key.name) is shown as \(shown), which is refused")
        check(key.value(in: again) == shown, "\(key.name) is shown as \(shown) and read as \(key.value(in: again))")
    }
}
