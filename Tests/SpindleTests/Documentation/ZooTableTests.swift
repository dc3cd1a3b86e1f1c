import Testing

/// `Docs/zoo.md` shows what `Tests/zoo/run.sh` expects.
@Suite("The zoo of the documentation")
struct ZooTableTests {
    private static let update = "SPINDLE_UPDATE_ZOO=1 Tests/zoo/run.sh writes the tables anew"

    /// The outcomes that are kept: the name of a plugin, then its end at each level.
    private static func kept() throws -> [[String]] {
        try Repository.text("PluginSDK/zoo/outcomes.txt").split(separator: "\n").map { line in
            line.split(separator: "|").map { cell in
                String(cell.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            }
        }
    }

    /// What a plugin does, as the first line of its source says.
    private static func description(_ name: String) throws -> String? {
        let file = "PluginSDK/zoo/\(name).c"
        guard Repository.exists(file) else { return nil }
        let line = try Repository.text(file).prefix { $0 != "\n" }
        return String(line.dropFirst(3).dropLast(3))
    }

    @Test("each plugin stands there with each of its outcomes, and nothing else does")
    func outcomes() throws {
        let page = try Page.named("Docs/zoo.md")
        var rows: [String: [String]] = [:]
        for row in try page.table(below: "## What runs") + page.table(below: "## What no level takes") {
            rows[try #require(row[0].code)] = Array(row.dropFirst())
        }
        let kept = try Self.kept()
        #expect(kept.first == ["plugin", "in-process", "worker", "sandbox", "one-shot"])
        for outcome in kept.dropFirst() {
            let found = rows.removeValue(forKey: outcome[0])
            let row = try #require(found, "\(outcome[0]) is not there: \(Self.update)")
            let description = try Self.description(outcome[0])
            #expect(description == nil || row[0] == description, "\(outcome[0]): \(Self.update)")
            let ends = row.count == 2 ? Array(repeating: "refused: \(row[1])", count: 4) : Array(row.dropFirst())
            #expect(ends == Array(outcome.dropFirst()), "\(outcome[0]): \(Self.update)")
        }
        #expect(rows.isEmpty, "there are no such plugins: \(rows.keys.sorted())")
    }

    @Test("every source of the zoo has its outcomes")
    func sources() throws {
        let names = Set(try Self.kept().map { $0[0] })
        for file in try Repository.files(in: "PluginSDK/zoo", ending: ".c") {
            let name = String(file.split(separator: "/").last?.dropLast(2) ?? "")
            #expect(names.contains(name), "\(file): \(Self.update)")
        }
    }
}
