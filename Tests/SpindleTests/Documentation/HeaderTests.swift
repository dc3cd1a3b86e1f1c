import Testing

/// Holds the tables of `Docs/plugin-abi.md` against the header.
@Suite("The ABI's header in the documentation")
struct HeaderTests {
    private static func header() throws -> String { try Repository.text("PluginSDK/c/include/spindle/executor.h") }

    /// The functions of a struct of the header, in its order.
    private static func functions(of type: String) throws -> [String] {
        let header = try header()
        let start = try #require(header.ranges(of: "struct \(type) {").first).upperBound
        let end = try #require(header[start...].ranges(of: "\n}").first).lowerBound
        return header[start..<end].matches(of: /\(\*([a-z_]+)\)\(/).map { String($0.output.1) }
    }

    @Test("every function that the host offers is in the table, in the order of the header")
    func offers() throws {
        let rows = try Page.named("Docs/plugin-abi.md").table(below: "## What the host offers").map { $0[0].code ?? "" }
        #expect(try rows == Self.functions(of: "spindle_host"))
    }

    @Test("every function that a plugin may have is in the table")
    func calls() throws {
        let rows = try Page.named("Docs/plugin-abi.md").table(below: "## Instances and configuration")
        let named = rows.flatMap { $0[0].replacing("`", with: "").split(separator: ", ").map(String.init) }
        let functions =
            try Self.functions(of: "spindle_executor_descriptor")
            + Self.functions(of: "spindle_executor_factory")
            .filter { $0 != "get_extension" }
        #expect(named.sorted() == functions.sorted())
    }

    @Test("every size is in the table with its value")
    func sizes() throws {
        let rows = try Page.named("Docs/plugin-abi.md").table(below: "## Sizes").map { "\($0[0].code ?? "") \($0[1])" }
        let sizes = try Self.header().matches(of: /#define (SPINDLE_MAX_[A-Z_]+) ([0-9]+)/).map { "\($0.output.1) \($0.output.2)" }
        #expect(rows == sizes)
    }
}
