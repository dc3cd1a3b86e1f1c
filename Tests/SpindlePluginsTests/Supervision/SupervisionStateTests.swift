import Glibc
import SpindleCore
import Testing

@testable import SpindlePlugins

/// Recycling, heartbeats, checks and cancel times of a pool, in virtual time.
@Suite
struct SupervisionStateTests {
    private static func request(_ number: UInt64) -> AttemptRequest {
        let id = ExecutionID(UUIDv7(high: 7 << 12, low: number))
        return AttemptRequest(key: AttemptKey(id, 1), jobID: JobID(id.uuid), executorType: "t", target: "")
    }

    private func machine(_ change: (inout WorkerPoolSettings) -> Void) -> WorkerPoolStateMachine {
        var settings = WorkerPoolSettings()
        settings.attemptsPerWorker = 1
        change(&settings)
        return WorkerPoolStateMachine(name: "p/t", settings: settings)
    }

    private struct Taken {
        var started: [(WorkerID, AttemptToken)] = []
        var spawned: [WorkerID] = []
        var shut: [WorkerID] = []
        var killed: [WorkerID] = []
        var checked: [WorkerID] = []
        var answers: [ExecutorReport.Readiness] = []
        var pinged: [WorkerID] = []
        var measured: [WorkerID] = []
        var notes: [String] = []
        var crashes: [String] = []
    }

    private func take(_ machine: inout WorkerPoolStateMachine) -> Taken {
        var taken = Taken()
        for action in machine.takeActions() {
            switch action {
            case .start(let id, let token, _, _): taken.started.append((id, token))
            case .spawn(let id): taken.spawned.append(id)
            case .shutdown(let id): taken.shut.append(id)
            case .signal(let id, SIGKILL): taken.killed.append(id)
            case .check(let id): taken.checked.append(id)
            case .checkAnswer(_, let answer): taken.answers.append(answer)
            case .ping(let id, _): taken.pinged.append(id)
            case .measure(let id): taken.measured.append(id)
            case .note(let text): taken.notes.append(text)
            case .crashed(let what): taken.crashes.append(what)
            default: break
            }
        }
        return taken
    }

    private func usage(memory: Int64 = 0, stopped: Bool = false) -> WorkerUsage {
        var usage = WorkerUsage()
        usage.memory = memory
        usage.isInitStopped = stopped
        return usage
    }

    // MARK: Recycling

    @Test("a worker gets as many attempts as allowed, then ends, and another one goes on", arguments: [1, 3])
    func jobs(_ perWorker: Int) {
        var machine = machine {
            $0.recycle.jobs = 2
            $0.attemptsPerWorker = perWorker
            $0.maxWorkers = 1
        }
        machine.start((0..<5).map { Self.request($0) }, startedAt: 0, now: 0)
        var started: [WorkerID: Int] = [:]
        var next: WorkerID = 1
        var taken = take(&machine)
        for _ in 0..<3 {
            #expect(taken.spawned == [next])
            machine.workerReady(next, pid: Int32(next), now: 0)
            let first = take(&machine)
            var open = first.started
            taken = Taken()
            taken.spawned = first.spawned
            while !open.isEmpty {
                let (id, token) = open.removeFirst()
                started[id, default: 0] += 1
                machine.completed(token, by: id, .success(), now: 1)
                machine.released(token, by: id, now: 1)
                let more = take(&machine)
                open += more.started
                taken.spawned += more.spawned
                taken.shut += more.shut
            }
            if next < 3 { #expect(taken.shut == [next]) }
            machine.workerDied(next, WorkerDeath(), now: 2)
            taken.spawned += take(&machine).spawned
            next += 1
        }
        #expect(started == [1: 2, 2: 2, 3: 1])
    }

    @Test("a worker that is old, or takes too much memory, ends when its attempts have ended", arguments: [true, false])
    func ageAndMemory(_ isAge: Bool) {
        var machine = machine {
            $0.recycle.age = 60_000_000
            $0.recycle.memory = 1000
        }
        machine.start([Self.request(1)], startedAt: 0, now: 0)
        machine.workerReady(1, pid: 1, now: 0)
        let token = take(&machine).started[0].1
        machine.measured(1, usage(memory: 1000), now: 1)
        #expect(machine.workers[1]?.phase == .ready)
        if isAge { machine.timerFired(.age(1), now: 60_000_000) } else { machine.measured(1, usage(memory: 1001), now: 2) }
        #expect(machine.workers[1]?.phase == .retiring)
        machine.start([Self.request(2)], startedAt: 3, now: 3)
        let taken = take(&machine)
        #expect(taken.started.isEmpty && taken.spawned == [2] && taken.shut.isEmpty && taken.killed.isEmpty)
        machine.completed(token, by: 1, .success(), now: 4)
        #expect(take(&machine).shut.isEmpty)
        machine.released(token, by: 1, now: 4)
        #expect(take(&machine).shut == [1])
        machine.workerDied(1, WorkerDeath(), now: 5)
        #expect(take(&machine).crashes.isEmpty)
    }

    @Test("one at rest ends at once")
    func rest() {
        var machine = machine { $0.recycle.memory = 1000 }
        machine.start([Self.request(1)], startedAt: 0, now: 0)
        machine.workerReady(1, pid: 1, now: 0)
        let token = take(&machine).started[0].1
        machine.completed(token, by: 1, .success(), now: 1)
        machine.released(token, by: 1, now: 1)
        machine.measured(1, usage(memory: 2000), now: 2)
        #expect(take(&machine).shut == [1])
    }

    // MARK: Heartbeats

    @Test("a worker at rest is asked too, and killed if it does not answer")
    func idlePing() {
        var machine = machine { _ in }
        machine.start([Self.request(1)], startedAt: 0, now: 0)
        machine.workerReady(1, pid: 1, now: 0)
        let token = take(&machine).started[0].1
        machine.completed(token, by: 1, .success(), now: 1)
        machine.released(token, by: 1, now: 1)
        machine.timerFired(.ping(1), now: 10_000_000)
        let taken = take(&machine)
        #expect(taken.pinged == [1] && taken.measured == [1])
        machine.timerFired(.pong(1, machine.lastNumber), now: 40_000_000)
        #expect(take(&machine).killed == [1])
        machine.workerDied(1, WorkerDeath(), now: 40_000_001)
        #expect(take(&machine).crashes.first?.contains("at rest, it did not answer") == true)
    }

    @Test("silence counts from the last sign of life; who does not end when asked is ended by force")
    func silence() {
        var machine = machine { $0.heartbeatTime = 1_000_000 }
        machine.start([Self.request(1)], startedAt: 0, now: 0)
        machine.workerReady(1, pid: 1, now: 0)
        let token = take(&machine).started[0].1
        machine.heard(token, by: 2, now: 900_000)
        machine.heard(token, by: 1, now: 600_000)
        machine.timerFired(.heartbeat(token), now: 1_000_000)
        #expect(machine.takeEvents(now: 1_000_000).isEmpty)
        machine.timerFired(.heartbeat(token), now: 1_600_000)
        guard case .finished(_, let result, _, codeEnded: false) = machine.takeEvents(now: 1_600_000).first else {
            Issue.record("no end")
            return
        }
        #expect(result.class == .timedOut && result.errorCode == "spindle.heartbeat")
        let asked = machine.takeActions().contains { if case .cancel(1, token, .timeout, _) = $0 { true } else { false } }
        #expect(asked)
        machine.completed(token, by: 1, .success(), now: 1_700_000)
        #expect(machine.takeEvents(now: 1_700_000).isEmpty)
        machine.timerFired(.grace(token), now: 6_600_000)
        let forced = machine.takeActions().contains { if case .signal(1, SIGTERM) = $0 { true } else { false } }
        #expect(forced)
    }

    @Test("a stopped init is seen the second time")
    func stoppedInit() {
        var machine = machine { _ in }
        machine.start([Self.request(1)], startedAt: 0, now: 0)
        machine.workerReady(1, pid: 1, now: 0)
        machine.measured(1, usage(stopped: true), now: 1)
        machine.measured(1, usage(), now: 2)
        machine.measured(1, usage(stopped: true), now: 3)
        #expect(take(&machine).killed.isEmpty)
        machine.measured(1, usage(stopped: true), now: 4)
        #expect(take(&machine).killed == [1])
        machine.workerDied(1, WorkerDeath(), now: 5)
        guard case .finished(_, let result, _, codeEnded: true) = machine.takeEvents(now: 5).first else {
            Issue.record("no end")
            return
        }
        #expect(result.class == .interrupted)
    }

    // MARK: Checks

    @Test("a check comes when a worker has nothing else to do; what it finds does not keep jobs away")
    func check() {
        var machine = machine { $0.canCheck = true }
        machine.start([Self.request(1)], startedAt: 0, now: 0)
        machine.workerReady(1, pid: 1, now: 0)
        var taken = take(&machine)
        #expect(taken.checked.isEmpty)
        let token = taken.started[0].1
        machine.completed(token, by: 1, .success(), now: 1)
        machine.released(token, by: 1, now: 1)
        #expect(take(&machine).checked.isEmpty)
        machine.timerFired(.nextCheck(machine.checkTimer), now: 1_000_001)
        #expect(take(&machine).checked == [1])
        // An executor with one attempt at a time has none beside its check.
        machine.start([Self.request(2)], startedAt: 1_000_002, now: 1_000_002)
        taken = take(&machine)
        #expect(taken.started.isEmpty && taken.spawned == [2])
        machine.checked(1, .notReady("no database"), now: 1_000_003)
        #expect(machine.readiness == .notReady("no database"))
        taken = take(&machine)
        #expect(taken.started.map(\.0) == [1])
        #expect(taken.notes == ["p/t is not ready: no database"])
        machine.completed(taken.started[0].1, by: 1, .success(), now: 1_000_004)
        machine.released(taken.started[0].1, by: 1, now: 1_000_004)
        #expect(take(&machine).checked.isEmpty)
        machine.timerFired(.nextCheck(machine.checkTimer), now: 61_000_003)
        #expect(take(&machine).checked == [1])
        machine.checked(1, .ready, now: 61_000_004)
        #expect(machine.readiness == .ready)
        #expect(take(&machine).notes == ["p/t is ready again"])
    }

    @Test("a check that hangs ends its worker, or holds one thread of one that has several", arguments: [1, 2])
    func overdue(_ perWorker: Int) {
        var machine = machine {
            $0.canCheck = true
            $0.attemptsPerWorker = perWorker
        }
        machine.check(5, now: 0)
        #expect(take(&machine).spawned == [1])
        machine.workerReady(1, pid: 1, now: 0)
        #expect(take(&machine).checked == [1])
        machine.timerFired(.check(machine.checking?.number ?? 0), now: 10_000_000)
        let taken = take(&machine)
        #expect(taken.killed == (perWorker == 1 ? [1] : []))
        #expect(taken.answers == [.notReady("check did not answer within 10s")])
        machine.start([Self.request(1)], startedAt: 1, now: 1)
        #expect(take(&machine).started.map(\.0) == (perWorker == 1 ? [] : [1]))
    }

    @Test("who asks gets an answer, whatever becomes of the worker")
    func asked() {
        var machine = machine { $0.canCheck = true }
        machine.check(1, now: 0)
        machine.startFailed(1, "no such file", isGone: true, now: 0)
        #expect(take(&machine).answers == [.notReady("no worker could be started: no such file")])
        machine.check(2, now: 200_000)
        machine.workerReady(2, pid: 2, now: 200_000)
        machine.workerDied(2, WorkerDeath(), now: 200_001)
        #expect(take(&machine).answers == [.notReady("its supervisor ended")])
        machine.check(3, now: 300_000)
        machine.stop(now: 300_001)
        #expect(take(&machine).answers == [.notReady("the plugin host is stopping")])
        var without = self.machine { _ in }
        without.check(4, now: 0)
        #expect(take(&without).answers == [.ready])
    }

    // MARK: Cancel times

    @Test("the time from asking to the end of the code is measured; what goes on is counted and said once")
    func cancels() {
        var machine = machine { $0.promisesCancel = true }
        machine.start([Self.request(1), Self.request(2), Self.request(3)], startedAt: 0, now: 0)
        for id: WorkerID in 1...3 { machine.workerReady(id, pid: Int32(id), now: 0) }
        let started = take(&machine).started
        for number: UInt64 in 1...3 { machine.cancel(Self.request(number).key, reason: .user, grace: 1_000_000, now: 1_000_000) }
        machine.completed(started[0].1, by: started[0].0, .success(), now: 1_003_000)
        machine.released(started[0].1, by: started[0].0, now: 1_004_000)
        for (_, token) in started.dropFirst() { machine.timerFired(.grace(token), now: 2_000_000) }
        #expect(take(&machine).notes.count == 1)
        var death = WorkerDeath()
        death.waitStatus = SIGTERM
        for (id, _) in started.dropFirst() { machine.workerDied(id, death, now: 2_500_000) }
        let report = machine.report(type: "t", pids: [:], now: 3_000_000)
        #expect(report.cancels == 3 && report.ignoredCancels == 2)
        #expect(report.longestCancel == 1_500_000)
        #expect((1_500_000...1_500_000).contains(report.medianCancel ?? 0))
        // One that ended by itself is not among them.
        machine.start([Self.request(4)], startedAt: 3, now: 3_000_000)
        machine.workerReady(4, pid: 4, now: 3_000_000)
        let token = take(&machine).started.first?.1 ?? 0
        machine.completed(token, by: 4, .success(), now: 4_000_000)
        machine.released(token, by: 4, now: 4_000_000)
        #expect(machine.cancels.count == 3)
    }
}
