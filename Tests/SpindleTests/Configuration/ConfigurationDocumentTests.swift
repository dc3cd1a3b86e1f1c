import Glibc
import Spindle
import Testing

/// Holds `Docs/configuration.md` against the table of keys.
@Suite("Docs/configuration.md")
struct ConfigurationDocumentTests {
    /// The row of a key as the document has it.
    private func row(_ key: ConfigurationKey) -> String {
        let environment = key.environmentName.map { "`\($0)`" } ?? "–"
        let value = key.defaultValue.isEmpty ? "" : "`\(key.defaultValue)`"
        return "| `\(key.name)` | \(value) | \(key.documentation) | \(key.allowed) | \(environment) |"
    }

    @Test("has the row of every key, and of no other")
    func rows() throws {
        let path = "\(#filePath)".split(separator: "/").dropLast(4).joined(separator: "/")
        let file = try #require(fopen("/\(path)/Docs/configuration.md", "r"))
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while true {
            let next = getc(file)
            if next < 0 { break }
            bytes.append(UInt8(truncatingIfNeeded: next))
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        let found = lines.filter { $0.hasPrefix("| `") && $0.split(separator: "|").count == 5 }.map { String($0) }
        #expect(found.sorted() == ConfigurationKey.all.map { row($0) }.sorted())
    }

    @Test("every key is named once, and its variable too")
    func unique() {
        let names = ConfigurationKey.all.map { $0.name.lowercased() }
        #expect(Set(names).count == names.count)
        let variables = ConfigurationKey.all.compactMap(\.environmentName)
        #expect(Set(variables).count == variables.count)
        #expect(variables.contains("SPINDLE_EXECUTION_ENGINE_MAX_CONCURRENT_JOBS"))
        #expect(!variables.contains("SPINDLE_PLUGINS_WORKER_PATH"))
    }
}
