import FoundationEssentials
import Testing

/// The repository that the tests were built from.
enum Repository {
    /// Its path, absolute.
    static let path = "/" + "\(#filePath)".split(separator: "/").dropLast(5).joined(separator: "/")

    static func text(_ file: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: "\(path)/\(file)")), as: UTF8.self)
    }

    static func exists(_ file: String) -> Bool { FileManager.default.fileExists(atPath: "\(path)/\(file)") }

    /// Every file below a folder with an ending, as paths from the root.
    static func files(in folder: String, ending: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: "\(path)/\(folder)")
            .filter { $0.hasSuffix(ending) }
            .map { "\(folder)/\($0)" }
            .sorted()
    }
}

/// A page of the documentation.
struct Page: Sendable, CustomTestStringConvertible {
    /// Its path from the root of the repository.
    let path: String
    let lines: [String]

    var testDescription: String { path }

    init(_ path: String) throws {
        self.path = path
        lines = try Repository.text(path).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// All pages: those of the root and those of `Docs`.
    static let all: [Page] = {
        let names = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
        return (names + ((try? Repository.files(in: "Docs", ending: ".md")) ?? [])).compactMap { try? Page($0) }
    }()

    static func named(_ path: String) throws -> Page {
        try #require(all.first { $0.path == path }, "there is no page \(path)")
    }

    /// The lines that are not in a fence, with their numbers from 1.
    var prose: [(number: Int, text: String)] {
        var result: [(number: Int, text: String)] = []
        var isInFence = false
        for (index, line) in lines.enumerated() {
            if line.hasPrefix("```") { isInFence.toggle() } else if !isInFence { result.append((index + 1, line)) }
        }
        return result
    }

    /// The code between single backticks of the prose, with the numbers of its lines.
    var inlineCode: [(number: Int, text: String)] {
        prose.flatMap { line in
            line.text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
                .filter { $0.offset % 2 == 1 }
                .map { (line.number, String($0.element)) }
        }
    }

    /// The rows of the first table below a heading, without its head: cells without their blanks.
    func table(below heading: String) throws -> [[String]] {
        let start = try #require(lines.firstIndex(of: heading), "\(path) has no heading \"\(heading)\"")
        let rows = lines[(start + 1)...].drop { !$0.hasPrefix("|") }.prefix { $0.hasPrefix("|") }
        try #require(rows.count > 2, "\(path) has no table below \"\(heading)\"")
        return rows.dropFirst(2).map(Self.cells)
    }

    /// The cells of a row; `\|` is a bar inside of one.
    static func cells(_ row: String) -> [String] {
        row.replacing("\\|", with: "\u{0}").split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast()
            .map { $0.replacing("\u{0}", with: "|") }
            .map { cell in String(cell.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
    }
}

extension String {
    /// The text between the first pair of backticks; nil if there is none.
    var code: String? {
        let parts = split(separator: "`", maxSplits: 2, omittingEmptySubsequences: false)
        return parts.count == 3 ? String(parts[1]) : nil
    }
}
