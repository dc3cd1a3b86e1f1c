import SpindleCore
import SpindleEngine
import TestSupport
import Testing

@Suite struct Routing {
    private struct Picky: JobExecutor {
        let executorType: String
        let accepts: Bool
        func canExecute(_ job: Job) async -> Bool { accepts }
        func execute(_ context: ExecutionContext) async -> ExecutionResult { .success() }
    }

    private func router() -> ExecutorRouter {
        let router = ExecutorRouter()
        router.register(Picky(executorType: "no", accepts: false))
        router.register(ScriptedExecutor.quick("http", prefixes: ["http://", "https://"]))
        router.register(ScriptedExecutor.quick("api", prefixes: ["https://api."]))
        router.register(Picky(executorType: "first", accepts: true))
        router.register(Picky(executorType: "second", accepts: true))
        return router
    }

    @Test func typeWinsThenLongestPrefixThenTheFirstThatCan() async throws {
        let router = router()
        #expect(try await router.route(.of("second", target: "https://api.x")).type == "second")
        #expect(try await router.route(.of("HTTP", target: "x")).type == "http")
        #expect(try await router.route(.of(nil, target: "https://api.x")).type == "api")
        #expect(try await router.route(.of(nil, target: "https://ap")).type == "http")
        #expect(try await router.route(.of(nil, target: "something")).type == "first")
    }

    @Test func unknownTypeListsTheTypes() async throws {
        try await Bench.with([ScriptedExecutor.quick("b"), ScriptedExecutor.quick("a")]) { bench in
            let error = await #expect(throws: SpindleError.self) { try await bench.engine.submit(Submission(.of("sql"))) }
            #expect(error?.code == .noExecutor)
            #expect(error?.message.contains("\"sql\"") == true && error?.message.contains("a, b") == true)
        }
    }

    @Test func replacedExecutorEndsItsOwnAttempts() async throws {
        let old = ScriptedExecutor.manual()
        try await Bench.with([old]) { bench in
            let id = try await bench.submit(.of())
            let attempt = await old.nextStart()
            let new = ScriptedExecutor.manual()
            bench.engine.register(new)
            try await bench.engine.cancel(id)
            #expect(await old.nextCancel().key == attempt.key)
            old.finish(attempt.key, ExecutionResult(class: .cancelled))
            #expect(try await bench.engine.wait(for: id).state == .cancelled)
            _ = try await bench.submit(.of())
            new.finish(await new.nextStart().key, .success())
        }
    }
}
