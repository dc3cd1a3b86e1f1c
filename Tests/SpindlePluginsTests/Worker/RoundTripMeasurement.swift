import Glibc
import SpindleCore
import Testing

@testable import SpindlePlugins

/// How many attempts that do nothing a level carries. Not part of a normal run: set SPINDLE_MEASURE, and build for release.
@Suite(.enabled(if: getenv("SPINDLE_MEASURE") != nil), .serialized)
struct RoundTripMeasurement {
    @Test("attempts a second", arguments: Level.allCases, [1, 64])
    func rate(_ level: Level, _ inFlight: Int) async throws {
        for perWorker in level == .worker && inFlight > 1 ? [1, 8, 64] : [64] {
            let workspace = try Workspace()
            try level.prepare(workspace, "concurrencyPerWorker: \(perWorker)\nconcurrency: 256\n")
            let type = perWorker == 1 ? "serial" : "parallel"
            let rate = try await measure(workspace, type, inFlight)
            print("\(level.rawValue) \(type), \(inFlight) in flight, \(perWorker) a worker: \(rate) attempts/s")
        }
    }

    private func measure(_ workspace: Workspace, _ type: String, _ inFlight: Int) async throws -> Int {
        let host = try PluginHost(
            configuration: PluginHostConfiguration(directory: workspace.plugins, workerPath: Workspace.worker)
        )
        try await host.load()
        let executor = try #require(host.executors.first { $0.executorType == type })
        var number: UInt64 = 0
        func next() -> AttemptRequest {
            number += 1
            let id = ExecutionID(UUIDv7(high: 7 << 12, low: number))
            return AttemptRequest(key: AttemptKey(id, 1), jobID: JobID(id.uuid), executorType: type, target: "ok")
        }
        let clock = SystemClock()
        let (events, continuation) = AsyncStream.makeStream(of: [AttemptEvent].self)
        executor.report { continuation.yield($0) }
        executor.start((0..<inFlight).map { _ in next() }, now: clock.monotonic)
        var done = 0
        var measured = 0
        var began: Int64 = 0
        for await events in events {
            var ended = 0
            for event in events {
                switch event {
                case .finished(_, let result, _, let codeEnded):
                    #expect(result.success)
                    if codeEnded { ended += 1 }
                case .codeEnded: ended += 1
                default: break
                }
            }
            done += ended
            let now = clock.monotonic
            if began == 0 && done > 2000 { began = now }
            if began != 0 { measured += ended }
            if began != 0 && now - began > 3_000_000 { break }
            executor.start((0..<ended).map { _ in next() }, now: now)
        }
        let rate = Int(Double(measured) * 1_000_000 / Double(clock.monotonic - began))
        await host.stop()
        return rate
    }
}
