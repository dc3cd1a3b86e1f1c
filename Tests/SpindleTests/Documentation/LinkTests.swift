import Testing

/// Every page leads only to what is there, and is led to.
@Suite("Links of the documentation")
struct LinkTests {
    private struct Link {
        let line: Int
        let target: String
    }

    private static func links(of page: Page) -> [Link] {
        page.prose.flatMap { line in
            line.text.matches(of: /\]\(([^)]+)\)/).map { Link(line: line.number, target: String($0.output.1)) }
        }
    }

    /// The file that a link of a page names, as a path from the root; nil for the web.
    private static func file(_ target: Substring, from page: Page) -> String? {
        if target.contains("://") || target.hasPrefix("mailto:") { return nil }
        if target.isEmpty { return page.path }
        var parts = page.path.split(separator: "/").dropLast().map(String.init)
        for part in target.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(String(part)) }
        }
        return parts.joined(separator: "/")
    }

    /// The anchors of a page: those that GitHub makes of its headings.
    private static func anchors(of page: Page) -> Set<String> {
        let headings = page.prose.map(\.text).filter { $0.hasPrefix("#") }
        return Set(
            headings.map { heading in
                heading.drop { $0 == "#" }.dropFirst().lowercased()
                    .filter { $0.isLetter || $0.isNumber || $0 == " " || $0 == "-" || $0 == "_" }
                    .replacing(" ", with: "-")
            }
        )
    }

    @Test("every link and anchor of a page resolves", arguments: Page.all)
    func links(page: Page) throws {
        for link in Self.links(of: page) {
            let parts = link.target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
            guard let file = Self.file(parts[0], from: page) else { continue }
            #expect(Repository.exists(file), "\(page.path):\(link.line) leads to \(file), which is not there")
            guard parts.count == 2, file.hasSuffix(".md") else { continue }
            let target = try Page(file)
            #expect(Self.anchors(of: target).contains(String(parts[1])), "\(page.path):\(link.line): \(link.target)")
        }
    }

    @Test("every path of the repository that a page names is there", arguments: Page.all)
    func paths(page: Page) {
        let folders = ["Sources/", "Plugins/", "PluginSDK/", "Docs/", "Tests/", "Scripts/", "./Scripts/", ".ci/"]
        for code in page.inlineCode where folders.contains(where: code.text.hasPrefix) {
            let name = code.text.split(separator: " ").first.map(String.init) ?? ""
            guard !name.contains("*"), !name.contains("NAME") else { continue }
            let path = name.hasPrefix("./") ? String(name.dropFirst(2)) : name
            #expect(Repository.exists(path), "\(page.path):\(code.number) names \(path), which is not there")
        }
    }

    @Test("every page can be reached from README.md")
    func reachable() throws {
        var reached: Set<String> = ["README.md"]
        var open = try [Page.named("README.md")]
        while let page = open.popLast() {
            for link in Self.links(of: page) {
                let target = link.target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)[0]
                guard let file = Self.file(target, from: page), file.hasSuffix(".md"), reached.insert(file).inserted else {
                    continue
                }
                open.append(try Page(file))
            }
        }
        for page in Page.all { #expect(reached.contains(page.path), "no link leads to \(page.path)") }
    }
}
