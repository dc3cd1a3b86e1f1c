import SpindleCore
import Testing

/// Holds the diagrams and the table of states against the one function that allows transitions.
@Suite("States in the documentation")
struct StateTests {
    private struct Step: Hashable, Comparable, CustomStringConvertible {
        let from: String
        let to: String

        var description: String { "\(from) to \(to)" }
        static func < (left: Step, right: Step) -> Bool { (left.from, left.to) < (right.from, right.to) }
    }

    /// Every legal step; `new` is before the first state.
    private static var legal: Set<Step> {
        var steps = Set(ExecutionState.initial.map { Step(from: "new", to: "\($0)") })
        for from in ExecutionState.allCases {
            for to in ExecutionState.allCases where from.canBecome(to) { steps.insert(Step(from: "\(from)", to: "\(to)")) }
        }
        return steps
    }

    @Test("the diagrams have every step and no other", arguments: ["README.md", "Docs/engine.md"])
    func diagram(page: String) throws {
        let diagram = try #require(Example.all(of: "mermaid").first { $0.page == page }, "\(page) has no diagram")
        let lines = diagram.text.split(separator: "\n")
        #expect(lines.first == "stateDiagram-v2")
        var found: Set<Step> = []
        var ends: Set<String> = []
        for line in lines.dropFirst() {
            let arrow = line.split(separator: ":", maxSplits: 1)[0].split(separator: " ")
            try #require(arrow.count == 3 && arrow[1] == "-->", "\(line)")
            if arrow[2] == "[*]" {
                ends.insert(String(arrow[0]))
            } else {
                let from = arrow[0] == "[*]" ? "new" : String(arrow[0])
                #expect(found.insert(Step(from: from, to: String(arrow[2]))).inserted, "\(line) is there twice")
            }
        }
        #expect(found.sorted() == Self.legal.sorted())
        // Where it ends: only success can never become anything else.
        #expect(ends == ["succeeded"])
    }

    @Test("README.md shows the same diagram as Docs/engine.md")
    func same() throws {
        let diagrams = Example.all(of: "mermaid").map(\.text)
        #expect(diagrams.count == 2)
        #expect(Set(diagrams).count == 1)
    }

    @Test("the table has every step and no other")
    func table() throws {
        var found: Set<Step> = []
        for row in try Page.named("Docs/engine.md").table(below: "## States") {
            for from in row[0].split(separator: ", ") {
                // What stands in parentheses is a remark.
                let next = row[1].split(separator: " (")[0].split(separator: ", ").filter { $0 != "–" }
                for to in next { found.insert(Step(from: String(from), to: String(to))) }
            }
        }
        #expect(found.sorted() == Self.legal.sorted())
    }

    @Test("every state and every outcome is explained")
    func explained() throws {
        let page = try Page.named("Docs/engine.md")
        let states = try page.table(below: "### What each state means").map { $0[0].code ?? "" }
        #expect(states == ExecutionState.allCases.map(\.description))
        let outcomes = try page.table(below: "### How an attempt ends").map { $0[0].code ?? "" }
        #expect(outcomes == AttemptOutcome.allCases.map(\.description))
    }
}
