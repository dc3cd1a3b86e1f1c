import SpindleCore
import Testing

@testable import SpindlePlugins

/// A pool whose workers end after one attempt; no process is started.
@Suite struct OneShotTests {
    private func request(_ number: UInt64) -> AttemptRequest {
        let id = ExecutionID(UUIDv7(high: 7 << 12, low: number))
        return AttemptRequest(key: AttemptKey(id, 1), jobID: JobID(id.uuid), executorType: "t", target: "", policy: JobPolicy())
    }

    private func machine(endsAfterAttempt: Bool) -> WorkerPoolStateMachine {
        var settings = WorkerPoolSettings()
        settings.endsAfterAttempt = endsAfterAttempt
        settings.maxWorkers = 1
        return WorkerPoolStateMachine(name: "p/t", settings: settings)
    }

    @Test("the next attempt gets another worker, also where only one is allowed", arguments: [true, false])
    func another(_ endsAfterAttempt: Bool) {
        var machine = machine(endsAfterAttempt: endsAfterAttempt)
        machine.start([request(1), request(2)], startedAt: 0, now: 0)
        machine.workerReady(1, pid: 10, now: 0)
        var started = machine.takeActions().compactMap {
            if case .start(let worker, let token, _, _) = $0 { (worker, token) } else { nil }
        }
        #expect(started.map(\.0) == [1])
        let token = started[0].1
        machine.completed(token, by: 1, ExecutionResult(class: .success), now: 1)
        machine.released(token, by: 1, now: 1)
        let actions = machine.takeActions()
        let shutDown = actions.contains { if case .shutdown(1) = $0 { true } else { false } }
        let spawned = actions.contains { if case .spawn(2) = $0 { true } else { false } }
        #expect(shutDown == endsAfterAttempt && spawned == endsAfterAttempt)
        if endsAfterAttempt { machine.workerReady(2, pid: 11, now: 2) }
        started = (actions + machine.takeActions())
            .compactMap { if case .start(let worker, let token, _, _) = $0 { (worker, token) } else { nil } }
        #expect(started.map(\.0) == [endsAfterAttempt ? 2 : 1])
    }
}
