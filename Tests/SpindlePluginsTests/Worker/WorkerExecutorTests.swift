import SpindleCore
import Testing

@testable import SpindlePlugins

@Suite(.timeLimit(.minutes(5)))
struct WorkerExecutorTests {
    private let workspace: Workspace

    init() throws {
        workspace = try Workspace()
        try workspace.addZoo()
    }

    @Test("a plugin's attempt runs in a worker")
    func endToEnd() async throws {
        try await Rig.with(workspace) { rig in
            #expect(rig.host.listings.map(\.status) == [.serving])
            #expect(rig.host.listings.first?.types == ["serial", "parallel", "async"])
            let seen = try await rig.run(rig.request("serial", "param", parameters: ["p": "hello"]))
            #expect(seen.result == ExecutionResult(class: .success, output: Payload("hello", contentType: "text/plain")))
            #expect(seen.ranOn?.hasPrefix("worker ") == true)
        }
    }
}
