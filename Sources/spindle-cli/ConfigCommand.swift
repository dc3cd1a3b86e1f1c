import ArgumentParser
import Spindle

/// The configuration.
struct Config: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows what is set, and where.",
        subcommands: [Show.self]
    )

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows every key with its value and where it came from.")
        @OptionGroup var global: GlobalOptions

        func run() throws {
            let loaded = try global.load()
            let places = (try? HostPlaces(loaded.configuration, environment: Host.environment))?.byKey ?? [:]
            let rows = ConfigurationKey.all.map { key in
                let value = key.value(in: loaded.configuration)
                // What an empty place comes to is what one wants to know.
                let shown = value.isEmpty ? places[key.name] ?? "" : value
                return Entry(key: key.name, value: shown, origin: "\(loaded.origin(of: key))")
            }
            if global.json { return try JSONText.print(rows) }
            var table = Table([.init("KEY"), .init("VALUE", isFlexible: true), .init("FROM")])
            for row in rows { table.add([.init(row.key), .init(row.value), .init(row.origin)]) }
            Terminal.print(table)
        }

        private struct Entry: Encodable {
            let key: String
            let value: String
            let origin: String
        }
    }
}
