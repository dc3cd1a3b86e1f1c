import Testing

/// No example stands beside the tests: each is marked, and each language has one that runs it.
@Suite("Examples of the documentation")
struct ExampleCoverageTests {
    /// Who runs the examples of a language.
    private static let runners = [
        "swift": "SwiftExampleTests", "c": "PluginExampleTests", "yaml": "ConfigurationExampleTests",
        "json": "ConfigurationExampleTests and APIExampleTests", "sh": "ShellExampleTests", "mermaid": "StateTests",
    ]

    @Test("every fence of a page is marked", arguments: Page.all)
    func marked(page: Page) {
        for fence in page.fences.unmarked {
            Issue.record("\(page.path):\(fence.line): the fence (\(fence.language)) has no <!-- example: NAME --> before it")
        }
    }

    @Test("every example has a language that tests run", arguments: Example.all)
    func runner(_ example: Example) {
        #expect(Self.runners[example.language] != nil, "\(example.page):\(example.line): \"\(example.language)\"")
    }

    @Test("names are unique on a page, and every output has its example")
    func names() {
        for page in Page.all {
            let names = Example.all.filter { $0.page == page.path }.map(\.name)
            #expect(Set(names).count == names.count, "\(page.path)")
        }
        for output in Example.lostOutputs { Issue.record("\(output.page):\(output.line): no example is named \(output.name)") }
    }
}
