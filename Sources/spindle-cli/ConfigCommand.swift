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
            let rows = ConfigurationKey.all.map { key in
                Entry(
                    key: key.name,
                    value: key.value(in: loaded.configuration),
                    origin: "\(loaded.origin(of: key))"
                )
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
