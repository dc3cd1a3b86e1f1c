import Testing

/// Swift on the pages is code of the tests: compiled, run, and compared with the pages word for word.
@Suite("Swift examples of the documentation")
struct SwiftExampleTests {
    private static let folder = "Tests/SpindleTests/Documentation/Examples"

    /// The regions of the test sources by name, without the indentation that all their lines share.
    private static func regions() throws -> [String: String] {
        var regions: [String: String] = [:]
        for file in try Repository.files(in: folder, ending: ".swift") {
            var open: (name: String, lines: [String])?
            for line in try Repository.text(file).split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
                let text = line.drop { $0 == " " }
                if text.hasPrefix("// example: ") {
                    #expect(open == nil, "\(file): \(line) begins before the one above has ended")
                    open = (String(text.dropFirst(12)), [])
                } else if text == "// end", let region = open {
                    #expect(regions[region.name] == nil, "\(file): \(region.name) is there twice")
                    regions[region.name] = withoutIndentation(region.lines)
                    open = nil
                } else {
                    open?.lines.append(line)
                }
            }
            #expect(open == nil, "\(file): a region has no end")
        }
        return regions
    }

    private static func withoutIndentation(_ lines: [String]) -> String {
        let indentation = lines.filter { !$0.isEmpty }.map { $0.prefix { $0 == " " }.count }.min() ?? 0
        return lines.map { "\($0.dropFirst(indentation))\n" }.joined()
    }

    @Test("each is code that the tests run", arguments: Example.all(of: "swift"))
    func isTested(_ example: Example) throws {
        let region = try #require(Self.regions()[example.name], "no region \"\(example.name)\" in \(Self.folder)")
        #expect(example.text == region, "\(example.page):\(example.line) and the region \(example.name) differ")
    }

    @Test("each region stands on a page")
    func isShown() throws {
        let shown = Set(Example.all(of: "swift").map(\.name))
        #expect(try Set(Self.regions().keys) == shown)
    }
}
