import Spindle
import Testing

@testable import SpindleCore
@testable import SpindleServer

/// Holds the tables of error codes against the sources.
@Suite("Error codes in the documentation")
struct ErrorCodeTests {
    /// Texts of that form that are no codes of an error: labels of loggers and queues, a file, a field of the log, a good answer.
    private static let others: Set<String> = [
        "spindle.acceptsUnknownKeys", "spindle.artefacts", "spindle.bench", "spindle.dropped", "spindle.engine", "spindle.logs",
        "spindle.migration",
        "spindle.plugins", "spindle.reader", "spindle.server", "spindle.tried", "spindle.yaml",
    ]

    private static func sources() throws -> String {
        try [".swift", ".c"].flatMap { try Repository.files(in: "Sources", ending: $0) }
            .map { try Repository.text($0) }.joined()
    }

    @Test("every code that the host gives is in Docs/engine.md, and no other")
    func hostCodes() throws {
        let given = Set(try Self.sources().matches(of: /"(spindle\.[a-zA-Z_-]+(\.[a-zA-Z_-]+)*)"/).map { String($0.output.1) })
        let documented = try Page.named("Docs/engine.md").table(below: "### Codes of the host").map { $0[0].code ?? "" }
        #expect(documented.sorted() == given.subtracting(Self.others).sorted())
    }

    @Test("every problem of the API is in Docs/api.md with its status, and no other")
    func problems() throws {
        let source = try Repository.text("Sources/SpindleCore/Values/SpindleError.swift")
        var expected = ["bodyTooLarge": 413, "methodNotAllowed": 405]
        for match in source.matches(of: /Code\("([A-Za-z]+)"\)/) {
            let code = SpindleError.Code(String(match.output.1))
            let status = Problem(SpindleError(code, "")).body(requestID: nil).status
            // What is no answer to a request has no status of its own: configuration, plugin.
            if status != 500 || code == .internal { expected[code.name] = status }
        }
        let rows = try Page.named("Docs/api.md").table(below: "## Problems")
        #expect(Dictionary(rows.map { ($0[0].code ?? "", Int($0[1]) ?? 0) }, uniquingKeysWith: { $1 }) == expected)
        #expect(rows.count == expected.count)
    }

    @Test("every exit status is in Docs/cli.md, in README.md and in the help, and no other")
    func exitStatuses() throws {
        let rows = try Page.named("Docs/cli.md").table(below: "## Exit status")
        #expect(rows.map { Int32($0[0]) ?? -1 } == ExitStatus.allCases.map(\.rawValue))
        for text in [try Repository.text("README.md"), try Repository.text("Sources/spindle-cli/SpindleCommand.swift")] {
            let start = try #require(text.ranges(of: "0 succeeded").first).lowerBound
            let listed = text[start...].prefix { $0 != "." }.matches(of: /\b([0-9]+) [a-zC]/).compactMap { Int32($0.output.1) }
            #expect(listed == ExitStatus.allCases.map(\.rawValue))
        }
    }
}
