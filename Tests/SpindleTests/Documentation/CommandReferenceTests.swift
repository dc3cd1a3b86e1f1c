import FoundationEssentials
import Glibc
import Testing

/// Holds `Docs/cli.md` against the argument parser: every command, argument and flag with the words of `--help`, and no other.
///
/// `SPINDLE_UPDATE_DOCS=1 swift test --filter CommandReferenceTests` writes the blocks anew; what stands around them is written by hand.
@Suite("Docs/cli.md")
struct CommandReferenceTests {
    private static let path = "Docs/cli.md"

    /// The blocks of the page: from `<!-- MARK -->` to `<!-- end -->`, by their marks.
    private static func blocks(_ lines: [String]) -> [(mark: String, range: Range<Int>)] {
        var result: [(mark: String, range: Range<Int>)] = []
        var open: (mark: String, line: Int)?
        for (index, line) in lines.enumerated() where line.hasPrefix("<!-- ") {
            let mark = String(line.dropFirst(5).dropLast(4))
            if mark == "end", let block = open {
                result.append((block.mark, block.line + 1..<index))
                open = nil
            } else if mark.hasPrefix("command: ") || mark.hasPrefix("options: ") {
                open = (mark, index)
            }
        }
        return result
    }

    @Test("has the block of every command as the parser gives it, and of no other")
    func blocks() async throws {
        let reference = CommandReference(tree: try await CommandTree.load()).blocks
        var lines = try Page.named(Self.path).lines
        let found = Self.blocks(lines)
        let marks = reference.map(\.mark)
        #expect(found.map(\.mark).sorted() == marks.sorted())
        #expect(
            found.map(\.mark).filter { $0.hasPrefix("command") } == marks.filter { $0.hasPrefix("command") },
            "in the order of --help"
        )
        let isUpdating = getenv("SPINDLE_UPDATE_DOCS") != nil
        for (mark, range) in found.reversed() {
            guard let text = reference.first(where: { $0.mark == mark })?.text else { continue }
            let expected = ("\n" + text).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            if isUpdating {
                lines.replaceSubrange(range, with: expected)
            } else {
                #expect(
                    Array(lines[range]) == expected,
                    "\(Self.path): the block \"\(mark)\" is not what the parser says:\n\(text)"
                )
            }
        }
        if isUpdating {
            try Data(lines.joined(separator: "\n").utf8).write(to: URL(filePath: "\(Repository.path)/\(Self.path)"))
        }
    }

    @Test("has a heading for every command")
    func headings() async throws {
        let headings = try Page.named(Self.path).lines.filter { $0.hasPrefix("### `spindle ") }
        let commands = try await CommandTree.load().commands.map { "### `spindle \($0.path.joined(separator: " "))`" }
        #expect(headings == commands)
    }

    @Test("has every variable that Spindle asks for")
    func variables() throws {
        let sources = try
            (Repository.files(in: "Sources/Spindle", ending: ".swift")
            + Repository.files(in: "Sources/spindle-cli", ending: ".swift"))
            .map { try Repository.text($0) }.joined()
        let asked = sources.matches(of: /(?:environment\[|getenv\()"([A-Z_]+)"/).map { String($0.output.1) }
        let documented = try Page.named(Self.path).table(below: "## Environment").map { $0[0].code ?? "" }
        #expect(Set(asked).subtracting(documented).isEmpty, "\(Set(asked).subtracting(documented).sorted())")
        #expect(Set(documented).subtracting(asked).isSubset(of: ["SPINDLE_…", "ExecutionEngine__…"]))
    }
}
