import SpindleCore
import Testing

@testable import SpindlePlugins

/// What every plugin may rely on, at every level of isolation.
@Suite(.timeLimit(.minutes(5)))
struct ConformanceTests {
    private let workspace: Workspace

    init() throws { workspace = try Workspace() }

    private func rig(
        _ level: Level,
        pool: WorkerPoolSettings = WorkerPoolSettings(),
        _ body: (Rig) async throws -> Void
    ) async throws {
        try level.prepare(workspace)
        try await Rig.with(workspace, pool: pool) { rig in
            #expect(rig.host.listings.first?.status == .serving)
            #expect(rig.host.listings.first?.isolation?.rawValue == level.rawValue)
            try await body(rig)
        }
    }

    private static let types = ["serial", "parallel", "async"]

    @Test("bytes, type, metadata, log, progress and checkpoint arrive", arguments: Level.allCases)
    func everything(_ level: Level) async throws {
        try await rig(level) { rig in
            for type in Self.types {
                let seen = try await rig.run(rig.request(type, "all"))
                let result = try #require(seen.result)
                #expect(result.class == .success)
                #expect(result.output?.bytes == Array("bytes\0and more".utf8))
                #expect(result.output?.contentType == "application/x-zoo")
                #expect(result.metadata == ["colour": "blue"])
                let line = try #require(seen.logs.first)
                #expect(line.message == "a line" && line.level == .warning && line.stream == .plugin)
                #expect(line.fields.map(\.0) == ["shape"] && line.fields.map(\.1) == ["round"])
                #expect(seen.progress.map(\.0) == [0.25] && seen.progress.map(\.1) == ["a quarter"])
                #expect(seen.checkpoint == Array("where I was".utf8))
            }
        }
    }

    @Test("parameters, payload and checkpoint reach the plugin", arguments: Level.allCases)
    func input(_ level: Level) async throws {
        try await rig(level) { rig in
            let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let echo = try await rig.run(rig.request("parallel", "echo", payload: Payload(bytes)))
            #expect(echo.result?.output?.bytes == bytes)
            let text = String(repeating: "ü", count: 1000)
            let parameter = try await rig.run(rig.request("async", "param", parameters: ["a": "1", "p": text]))
            #expect(parameter.result?.resultData == text)
            let checkpoint = try await rig.run(rig.request("serial", "checkpoint", checkpoint: [0, 1, 2]))
            #expect(checkpoint.result?.output?.bytes == [0, 1, 2])
        }
    }

    @Test("failures keep their class, code, message, details and wait", arguments: Level.allCases)
    func failures(_ level: Level) async throws {
        try await rig(level) { rig in
            let again = try await rig.run(rig.request("serial", "retryable")).result
            #expect(again?.class == .retryable && again?.errorCode == "zoo.again" && again?.errorMessage == "try again")
            let never = try await rig.run(rig.request("async", "permanent")).result
            #expect(never?.class == .permanent && never?.errorCode == "zoo.never")
            let later = try await rig.run(rig.request("parallel", "later")).result
            #expect(later?.class == .retryable && later?.retryAfter == 1_500_000 && later?.details == "{\"when\":1}")
            let refused = try await rig.run(rig.request("serial", "refuse")).result
            #expect(refused?.class == .permanent)
            let nothing = try await rig.run(rig.request("serial", "nothing")).result
            #expect(nothing?.class == .rejected && nothing?.errorCode == "spindle.contract")
        }
    }

    @Test("an output over its limit is refused without being read", arguments: Level.allCases)
    func hugeOutput(_ level: Level) async throws {
        try await rig(level) { rig in
            let seen = try await rig.run(rig.request("serial", "huge"))
            #expect(seen.result?.errorCode == "spindle.too_large")
            #expect(seen.result?.output == nil)
        }
    }

    @Test("a cancel is honoured", arguments: Level.allCases)
    func cancel(_ level: Level) async throws {
        try await rig(level) { rig in
            for type in Self.types {
                let request = rig.request(type, "wait")
                try rig.start([request])
                _ = await rig.wait(request) { !$0.logs.isEmpty }
                try rig.cancel(request, .user, grace: 600_000_000)
                let seen = await rig.wait(request) { $0.result != nil && $0.hasCodeEnded }
                #expect(seen.result?.class == .cancelled && seen.result?.errorCode == "zoo.cancelled")
            }
        }
    }

    @Test("an attempt that is cancelled before it ran ends at once", arguments: Level.allCases)
    func cancelWaiting(_ level: Level) async throws {
        try level.prepare(workspace, "concurrency: 1\n")
        try await Rig.with(workspace) { rig in
            let first = rig.request("serial", "wait")
            let second = rig.request("serial", "ok")
            try rig.start([first])
            _ = await rig.wait(first) { !$0.logs.isEmpty }
            try rig.start([second])
            try rig.cancel(second, .user, grace: 600_000_000)
            let seen = await rig.wait(second) { $0.result != nil && $0.hasCodeEnded }
            #expect(seen.result?.class == .cancelled)
            try rig.cancel(first, .user, grace: 600_000_000)
            _ = await rig.wait(first) { $0.hasCodeEnded }
        }
    }

    @Test("only the first of two completions counts", arguments: Level.allCases)
    func twice(_ level: Level) async throws {
        try await rig(level) { rig in
            for type in Self.types {
                let seen = try await rig.run(rig.request(type, "twice"))
                #expect(seen.result?.resultData == "first")
            }
        }
    }

    @Test("many attempts at once", arguments: Level.allCases, types)
    func many(_ level: Level, _ type: String) async throws {
        try level.prepare(workspace, "concurrency: 64\n")
        try await Rig.with(workspace) { rig in
            let requests = (0..<level.many).map { rig.request(type, "param", parameters: ["p": "\($0)"]) }
            try rig.start(requests)
            for (number, request) in requests.enumerated() {
                let seen = await rig.wait(request) { $0.result != nil && $0.hasCodeEnded }
                #expect(seen.result?.resultData == "\(number)")
            }
        }
    }

    @Test("it is asked whether it takes a job", arguments: Level.allCases)
    func canExecute(_ level: Level) async throws {
        // Who is asked may first have to be started.
        var pool = WorkerPoolSettings()
        pool.questionTime = 60_000_000
        try await rig(level, pool: pool) { rig in
            let executor = try #require(rig.executors["serial"])
            let id = JobID(UUIDv7(high: 1, low: 2))
            #expect(await executor.canExecute(Job(id: id, target: "mine")))
            #expect(await !executor.canExecute(Job(id: id, target: "yours")))
            let other = try #require(rig.executors["parallel"])
            #expect(await !other.canExecute(Job(id: id, target: "mine")))
        }
    }

    @Test("what runs when the host stops is interrupted", arguments: Level.allCases)
    func stop(_ level: Level) async throws {
        try await rig(level) { rig in
            let request = rig.request("parallel", "wait")
            try rig.start([request])
            _ = await rig.wait(request) { !$0.logs.isEmpty }
            await rig.host.stop()
            let seen = await rig.wait(request) { $0.result != nil && $0.hasCodeEnded }
            #expect(seen.result?.class == .cancelled)
            let late = rig.request("parallel", "ok")
            try rig.start([late])
        }
    }
}
