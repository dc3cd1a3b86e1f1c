import Glibc
import SpindleCore
import Testing

@testable import SpindlePlugins

/// The steps against code that does not end, in virtual time.
@Suite
struct CancelLadderTests {
    @Test("asked at the deadline, SIGTERM a grace later, SIGKILL another one later", arguments: [5_000_000, 40_000] as [Int64])
    func ladder(grace: Int64) throws {
        let configuration = PluginHostConfiguration(directory: nil, cancelGrace: grace)
        var machine = WorkerPoolStateMachine(name: "p/t", settings: configuration.pool)
        let id = ExecutionID(UUIDv7(high: 7 << 12, low: 1))
        let request = AttemptRequest(
            key: AttemptKey(id, 1),
            jobID: JobID(id.uuid),
            executorType: "t",
            target: "",
            policy: JobPolicy()
        )
        machine.start([request], startedAt: 0, now: 0)
        machine.workerReady(1, pid: 10, now: 0)
        _ = machine.takeActions()

        let deadline: Int64 = 300_000_000
        machine.cancel(request.key, reason: .timeout, grace: grace, now: deadline)
        let asked = machine.takeActions()
        #expect(asked.contains { if case .cancel = $0 { true } else { false } })
        let term = try #require(Self.timer(asked) { if case .grace = $0 { true } else { false } })
        #expect(term.at == deadline + grace)

        machine.timerFired(term.timer, now: term.at)
        let terminated = machine.takeActions()
        #expect(Self.signals(terminated) == [SIGTERM])
        let kill = try #require(Self.timer(terminated) { if case .kill = $0 { true } else { false } })
        #expect(kill.at == deadline + 2 * grace)

        machine.timerFired(kill.timer, now: kill.at)
        #expect(Self.signals(machine.takeActions()) == [SIGKILL])
    }

    @Test("as it comes, code has ended ten seconds after its deadline")
    func standard() {
        #expect(PluginHostConfiguration(directory: nil).cancelGrace == 5_000_000)
        var configuration = PluginHostConfiguration(directory: nil)
        configuration.cancelGrace = 70_000
        #expect(configuration.pool.killDelay == 70_000 && configuration.pool.stopGrace == 70_000)
        #expect(configuration.pool.lingerTime == 70_000)
    }

    private static func signals(_ actions: [WorkerPoolAction]) -> [Int32] {
        actions.compactMap { if case .signal(_, let number) = $0 { number } else { nil } }
    }

    private static func timer(
        _ actions: [WorkerPoolAction],
        _ isWanted: (WorkerPoolTimer) -> Bool
    ) -> (timer: WorkerPoolTimer, at: Int64)? {
        for case .timer(let timer, let at) in actions where isWanted(timer) { return (timer, at) }
        return nil
    }
}
