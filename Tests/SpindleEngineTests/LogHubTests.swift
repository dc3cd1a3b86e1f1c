import SpindleCore
import Synchronization
import TestSupport
import Testing

@testable import SpindleEngine

/// Log lines: none lost, none overwritten, none too long, and followers that always come to an end.
@Suite struct LogHubs {
    private func line(_ text: String, _ fields: [(String, String)] = []) -> AttemptEventMaker {
        { .log($0, LogLine(level: .info, stream: .plugin, message: text, fields: fields)) }
    }

    private typealias AttemptEventMaker = (AttemptKey) -> AttemptEvent

    @Test func codeThatOutlivesItsExecutionOverwritesNothing() async throws {
        let executor = ScriptedExecutor.manual()
        try await Bench.with([executor]) { bench in
            let id = try await bench.submit(.of())
            let key = await executor.nextStart().key
            executor.send(line("before")(key))
            try await bench.engine.cancel(id)
            _ = await executor.nextCancel()
            bench.clock.advance(by: 5_000_000)
            #expect(try await bench.engine.wait(for: id).state == .cancelled)
            executor.send(line("after")(key))
            executor.send(.codeEnded(key))
            while bench.engine.status.lingering > 0 { await Task.yield() }
            let kept = try await bench.engine.logs.records(of: id)
            #expect(kept.map(\.line.message) == ["before", "after"])
            #expect(kept.map { $0.sequence & 0xFFFF_FFFF } == [1, 2])
        }
    }

    @Test func followingWhatHasEndedEnds() async throws {
        try await Bench.with([ScriptedExecutor.quick()]) { bench in
            let id = try await bench.submit(.of())
            _ = try await bench.engine.wait(for: id)
            for await _ in try await bench.engine.logs.follow(id) { Issue.record("nothing can come") }
            let nobody = ExecutionID(UUIDv7(milliseconds: 0, random: (1, 1)))
            for await _ in try await bench.engine.logs.follow(nobody) { Issue.record("nothing can come") }
        }
    }

    @Test func longLinesAreCut() async throws {
        let executor = ScriptedExecutor.manual()
        try await Bench.with([executor]) { bench in
            let id = try await bench.submit(.of())
            let key = await executor.nextStart().key
            executor.send(line(String(repeating: "ö", count: 20_000), [("a", "b")])(key))
            executor.send(line("short", [("large", String(repeating: "x", count: 20_000)), ("small", "y")])(key))
            executor.finish(key, .success())
            _ = try await bench.engine.wait(for: id)
            let kept = try await bench.engine.logs.records(of: id).map(\.line)
            #expect(kept.map(\.message.utf8.count) == [Limits.logLine, 5])
            #expect(kept[0].message.allSatisfy { $0 == "ö" } && kept[0].fields.isEmpty)
            #expect(kept[1].fields.map(\.0) == ["small"])
        }
    }

    // MARK: Jobs compiled in

    private struct Talkative: ScheduledJob {
        static var jobName: String { "talkative" }
        let result: ExecutionResult

        func run(_ context: ExecutionContext) async throws -> ExecutionResult {
            context.saveCheckpoint([UInt8](repeating: 1, count: Limits.checkpoint + 1))
            return result
        }
    }

    private final class Leak: Sendable { let context = Mutex<ExecutionContext?>(nil) }

    private struct Leaky: ScheduledJob {
        static var jobName: String { "leaky" }
        let leak: Leak

        func run(_ context: ExecutionContext) async throws -> ExecutionResult {
            context.log(.info, "in time")
            leak.context.withLock { $0 = context }
            return .success()
        }
    }

    @Test func resultsOfInternalJobsAreBounded() async throws {
        let large = String(repeating: "x", count: Limits.payload + 1)
        var odd = ExecutionResult.failure(large, stackTrace: large, code: "Ümlaut Code", permanent: true)
        odd.details = large
        odd.metadata = ["nan": .double(.nan), "list": [.double(.infinity), 1]]
        for (result, code) in [
            (ExecutionResult.success(large), "spindle.too_large"),
            (.success(metadata: ["m": .string(String(large.prefix(Limits.metadata + 1)))]), "spindle.too_large"),
            (odd, "--mlaut-code"),
        ] {
            let executor = InternalJobExecutor()
            executor.register(Talkative.self, services: result) { Talkative(result: $0) }
            try await Bench.with([executor]) { bench in
                let id = try await bench.submit(.of("internal", target: "talkative"))
                let end = try await bench.engine.wait(for: id)
                #expect(end.state == .failed)
                #expect(end.result?.errorCode == code)
                #expect(end.result?.errorMessage?.utf8.count ?? 0 <= Limits.message)
                #expect(end.result?.stackTrace?.utf8.count ?? 0 <= Limits.stackTrace)
                #expect(end.result?.details == nil && end.result?.output == nil)
                if code == "--mlaut-code" { #expect(end.result?.metadata == ["nan": nil, "list": [nil, 1]]) }
                let log = try await bench.engine.logs.records(of: id).map(\.line)
                #expect(log.count == 1 && log[0].stream == .host && log[0].message.contains("262145 bytes"))
            }
        }
    }

    @Test func aContextThatOutlivesItsAttemptIsSilent() async throws {
        let executor = InternalJobExecutor()
        let leak = Leak()
        executor.register(Leaky.self, services: leak) { Leaky(leak: $0) }
        try await Bench.with([executor]) { bench in
            let id = try await bench.submit(.of("internal", target: "leaky"))
            _ = try await bench.engine.wait(for: id)
            let context = try #require(leak.context.withLock { $0 })
            context.log(.info, "too late")
            context.progress(0.5)
            let other = try await bench.submit(.of("internal", target: "leaky"))
            _ = try await bench.engine.wait(for: other)
            #expect(try await bench.engine.logs.records(of: id).map(\.line.message) == ["in time"])
            #expect(bench.engine.progress(of: id) == nil)
        }
    }
}
