import Glibc
import Testing

@testable import SpindleServer

/// Holds the tables of `Docs/api.md`, `Docs/engine.md` and `Docs/configuration.md` that no other test holds.
@Suite("Tables of the documentation", .timeLimit(.minutes(3)))
struct DocumentTableTests {
    @Test("Docs/api.md names every key of a submission")
    func submissionKeys() throws {
        let rows = try Page.named("Docs/api.md").table(below: "## Submit")
        let named = rows.flatMap { row in row[0].matches(of: /`([A-Za-z]+)`/).map { String($0.output.1) } }
        #expect(named.sorted() == SubmissionBody.CodingKeys.allCases.map(\.stringValue).sorted())
        let policy = try #require(rows.first { $0[0] == "`policy`" })[1].matches(of: /`([A-Za-z]+)`/).map { String($0.output.1) }
        let keys = PolicyBody.CodingKeys.allCases.map(\.stringValue) + RetryPolicyBody.CodingKeys.allCases.map(\.stringValue)
        #expect(policy.sorted() == keys.sorted())
    }

    @Test("Docs/api.md names every route")
    func routes() throws {
        var named: Set<String> = ["POST /v1/executions"]
        for row in try Page.named("Docs/api.md").table(below: "## Look, wait, control") {
            var verbs: [String] = []
            var last = ""
            for match in row[0].matches(of: /`([^`]+)`/) {
                let words = match.output.1.split(separator: " ").map(String.init)
                if words.count == 1, !words[0].contains("/") {
                    verbs.append(words[0])
                    continue
                }
                if words.count == 2 { last = words[0] }
                var path = (words.last ?? "").split(separator: "?")[0].replacing("…", with: "/v1/executions")
                for (name, field) in [("/ID", "/{id}"), ("/ATTEMPT", "/{attempt}")] { path = path.replacing(name, with: field) }
                path = path.replacing("/NAME", with: "/{name}")
                for verb in verbs + [last] { named.insert("\(verb) \(path)") }
                verbs = []
            }
        }
        #expect(named.sorted() == API.routes.map { "\($0.verb) \($0.path)" }.sorted())
    }

    @Test("Docs/engine.md names calls and checks that are there")
    func names() throws {
        let engine = try Repository.files(in: "Sources/SpindleEngine/Engine", ending: ".swift").map { try Repository.text($0) }
            .joined()
        for row in try Page.named("Docs/engine.md").table(below: "## The Swift API") {
            for match in row[0].matches(of: /`([a-zA-Z]+)(\()?/) {
                let name = match.output.1
                let isThere = ["func \(name)(", "var \(name):", "let \(name):"].contains { engine.contains("public \($0)") }
                #expect(isThere, "JobExecutionEngine has no \(name)")
            }
        }
        let checks = try [
            "Tests/SpindleTests/RuntimeChecks/RuntimeCheckTests.swift", "Tests/SpindleEngineTests/OriginalChecksTests.swift",
        ].map { try Repository.text($0) }
        let rows = try Page.named("Docs/engine.md").table(below: "## The original's runtime checks")
        #expect(rows.count == 6)
        for row in rows {
            let name = try #require(row[1].code)
            for check in checks { #expect(check.contains("func \(name)("), "\(name) is no test") }
        }
    }

    @Test("Docs/configuration.md names every file of a state directory")
    func stateDirectory() async throws {
        let room = try ExampleRoom()
        try await room.addPlugin("script")
        let host = try await room.serve()
        let ran = try await room.run("submit", "--type", "script", "echo", "-p", "Arg0=hi", "--wait")
        #expect(ran.status == 0, "\(ran.errors)")
        let listed = try await room.run("-A", ".local/state/spindle", program: "/bin/ls")
        host.send(SIGTERM)
        #expect(await host.outcome.status == 0)
        let rows = try Page.named("Docs/configuration.md").table(below: "## The state directory")
        let named = rows.flatMap { row in row[0].matches(of: /`([^`]+?)\/?`/).map { String($0.output.1) } }
        for file in listed.output.split(separator: "\n").map(String.init) {
            // SQLite's own companions are spoken of as a whole.
            let isCompanion = ["-wal", "-shm", "-journal"].contains(where: file.hasSuffix)
            #expect(named.contains(file) || isCompanion, "\(file)")
        }
    }

    @Test("Docs/architecture.md names what each target imports of ours, and every target")
    func imports() throws {
        let names = ["Core": "SpindleCore", "Engine": "SpindleEngine", "Wire": "SpindleWire", "the ABI header": "SpindlePluginC"]
        let rows = try Page.named("Docs/architecture.md").table(below: "## Targets and what they may import")
        var targets: Set<String> = ["SpindlePluginC", "Plugins/*"]
        for row in rows {
            let target = try #require(row[0].code)
            guard Repository.exists("Sources/\(target)") else {
                #expect(targets.contains(target), "there is no target \(target)")
                continue
            }
            targets.insert(target)
            guard row[2] != "everything", target != "SpindleWire", target != "SpindleWorker" else { continue }
            let allowed = Set(row[2].split(separator: ";")[0].split(separator: ", ").compactMap { names[String($0)] })
            let text = try Repository.files(in: "Sources/\(target)", ending: ".swift").map { try Repository.text($0) }.joined(
                separator: "\n"
            )
            let imported = Set(text.matches(of: /import (Spindle[A-Za-z]*)/).map { String($0.output.1) })
            #expect(imported.isSubset(of: allowed), "\(target) imports \(imported.sorted())")
        }
        let folders = Set(
            try Repository.files(in: "Sources", ending: "").compactMap { path -> String? in
                let parts = path.split(separator: "/")
                return parts.count > 2 ? String(parts[1]) : nil
            }
        )
        #expect(folders.isSubset(of: targets), "\(folders.subtracting(targets).sorted())")
    }
}
