import FoundationEssentials
import Testing

@Suite("spindle bench", .serialized, .timeLimit(.minutes(5)))
struct BenchCommandTests {
    /// The part of the JSON that the tests look at.
    private struct Report: Decodable {
        struct Row: Decodable {
            let level: String
            let slots: Int
            let payloadBytes: Int
            let executions: Int
            let executionsPerSecond: Double
            let commitsPerSecond: Double
            let commandsPerCommit: Double
            let cpuMicrosecondsPerExecution: Double
            let pickUpMilliseconds: Points
        }

        struct Points: Decodable {
            let count: Int
            let p50: Double
            let p95: Double
            let p99: Double
        }

        struct Calls: Decodable {
            let workerRoundTripMicroseconds: Points
            let wrapperNanoseconds: Double
            let handOffMicroseconds: Points
        }

        struct Timeouts: Decodable {
            let level: String
            let atOnce: Int
            let lateMilliseconds: Points
        }

        struct Comparison: Decodable {
            let peer: String
            let rounds: Int
            let peerPerSecond: Double
            let ratio: Double
        }

        let executions: [Row]
        let calls: Calls?
        let timeouts: [Timeouts]
        let comparisons: [Comparison]
    }

    @Test("each row at both levels of the plugin, the steps of a call, and the timeouts")
    func plugin() async throws {
        let sandbox = try Sandbox()
        try await sandbox.addPlugin("bench")
        let report = try await bench(sandbox, "--level", "in-process", "--level", "worker", "--payload", "100")
        #expect(report.executions.map(\.level) == ["in-process", "in-process", "in-process", "worker", "worker", "worker"])
        for row in report.executions {
            #expect(row.executions > 0 && row.executionsPerSecond > 0 && row.commitsPerSecond > 0)
            // One execution at a time is two commits of one command each.
            #expect(row.commandsPerCommit >= 1)
            #expect(row.cpuMicrosecondsPerExecution > 0)
            #expect(row.pickUpMilliseconds.count == row.executions)
            #expect(row.pickUpMilliseconds.p50 <= row.pickUpMilliseconds.p99)
            #expect(row.payloadBytes == 100)
        }
        let calls = try #require(report.calls)
        #expect(calls.workerRoundTripMicroseconds.count == 20_000)
        #expect(calls.workerRoundTripMicroseconds.p50 > 0 && calls.wrapperNanoseconds > 0 && calls.handOffMicroseconds.p50 > 0)
        #expect(report.timeouts.map(\.level) == ["in-process", "worker"])
        for timeouts in report.timeouts {
            #expect(timeouts.lateMilliseconds.count == 10 * timeouts.atOnce)
            // Never before the deadline; wall and monotonic time may differ by their rounding.
            #expect(timeouts.lateMilliseconds.p50 > -0.01)
        }
    }

    @Test("another system beside, by its command's last line")
    func peer() async throws {
        let sandbox = try Sandbox()
        let report = try await bench(
            sandbox,
            "--level",
            "engine",
            "--rounds",
            "2",
            "--vs",
            "echo noise; echo 'PEER other jobs_per_s=10 p50_ms=1.5 p99_ms=2'; exit 0"
        )
        let comparison = try #require(report.comparisons.first)
        #expect(comparison.peer == "other" && comparison.rounds == 2 && comparison.peerPerSecond == 10)
        #expect(comparison.ratio > 0)
    }

    @Test("what cannot be measured is refused with status 2, and says so")
    func refused() async throws {
        let sandbox = try Sandbox()
        let silent = try await sandbox.run("bench", "--level", "engine", "--seconds", "1", "--vs", "exit 7")
        #expect(silent.status == 2)
        #expect(silent.errors.contains("--vs exit 7: the command ended with status 7 and without a line"))
        let absurd = "echo PEER x jobs_per_s=1e300 p50_ms=nan p99_ms=-1"
        #expect(try await sandbox.run("bench", "--level", "engine", "--seconds", "1", "--vs", absurd).status == 2)
        let rounds = try await sandbox.run("bench", "--level", "engine", "--rounds", "0")
        #expect(rounds.status == 2 && !rounds.errors.contains("executions"), "before anything is measured")
        let level = try await sandbox.run("bench", "--level", "cloud")
        #expect(level.status == 2)
        #expect(level.errors.contains("one of engine, in-process, worker is wanted"))
        let missing = try await sandbox.run("bench", "--level", "worker", "--seconds", "1")
        #expect(missing.status != 0)
        #expect(missing.errors.contains("bench.so; add it with"))
        #expect(try await sandbox.run("bench", "--seconds", "1e99").status == 2)
    }

    private func bench(_ sandbox: Sandbox, _ arguments: String...) async throws -> Report {
        let end = try await sandbox.run(["bench", "--seconds", "1", "--json"] + arguments)
        try #require(end.status == 0, "\(end.errors)")
        return try JSONDecoder().decode(Report.self, from: Data(end.output.utf8))
    }
}
