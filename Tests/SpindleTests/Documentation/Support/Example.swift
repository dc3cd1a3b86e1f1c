import Testing

/// A fence of the documentation that is marked `<!-- example: NAME -->`, or `<!-- output: NAME -->`: what the example of that name prints.
struct Example: Sendable, CustomTestStringConvertible {
    enum Kind: String, Sendable { case example, output }

    let kind: Kind
    let name: String
    /// Such as `swift`, `c`, `sh`.
    let language: String
    let text: String
    let page: String
    /// The line of the fence, from 1.
    let line: Int

    var testDescription: String { "\(page): \(name)" }

    /// Every example of every page.
    static let all: [Example] = Page.all.flatMap { $0.fences.marked }.filter { $0.kind == .example }
    private static let outputs: [Example] = Page.all.flatMap { $0.fences.marked }.filter { $0.kind == .output }

    static func named(_ name: String, in page: String? = nil) throws -> Example {
        try #require(all.first { $0.name == name && (page == nil || $0.page == page) }, "there is no example \(name)")
    }

    static func all(of languages: String...) -> [Example] { all.filter { languages.contains($0.language) } }

    /// What the page says that it prints.
    var output: String? { Self.outputs.first { $0.name == name && $0.page == page }?.text }

    /// The outputs whose example is not on their page.
    static var lostOutputs: [Example] {
        outputs.filter { output in !all.contains { $0.name == output.name && $0.page == output.page } }
    }
}

extension Page {
    /// The fences of a page, and where one has no mark.
    var fences: (marked: [Example], unmarked: [(line: Int, language: String)]) {
        var marked: [Example] = []
        var unmarked: [(line: Int, language: String)] = []
        var open: (line: Int, language: String)?
        for (index, text) in lines.enumerated() where text.hasPrefix("```") {
            guard let fence = open else {
                open = (index + 1, String(text.dropFirst(3)))
                continue
            }
            open = nil
            let above = fence.line >= 2 ? lines[fence.line - 2] : ""
            guard let (kind, name) = Self.mark(above) else {
                unmarked.append(fence)
                continue
            }
            let body = lines[fence.line..<index].map { "\($0)\n" }.joined()
            marked.append(Example(kind: kind, name: name, language: fence.language, text: body, page: path, line: fence.line))
        }
        if let open { unmarked.append((open.line, "without an end")) }
        return (marked, unmarked)
    }

    private static func mark(_ line: String) -> (Example.Kind, String)? {
        guard line.hasPrefix("<!-- "), line.hasSuffix(" -->") else { return nil }
        let parts = line.dropFirst(5).dropLast(4).split(separator: ": ", maxSplits: 1)
        guard parts.count == 2, let kind = Example.Kind(rawValue: String(parts[0])) else { return nil }
        return (kind, String(parts[1]))
    }
}
