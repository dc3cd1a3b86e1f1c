import Glibc
import SpindleCore
import Testing

@testable import SpindlePlugins

/// The decisions of a pool, without a process.
@Suite
struct WorkerPoolStateMachineTests {
    private static func request(_ number: UInt64, suspect: Bool = false, timeout: Int64 = 1_000_000) -> AttemptRequest {
        let id = ExecutionID(UUIDv7(high: 7 << 12, low: number))
        var policy = JobPolicy()
        policy.timeout = timeout
        return AttemptRequest(
            key: AttemptKey(id, 1),
            jobID: JobID(id.uuid),
            executorType: "t",
            target: "",
            policy: policy,
            isSuspect: suspect
        )
    }

    private func machine(perWorker: Int = 1, maxWorkers: Int = 4) -> WorkerPoolStateMachine {
        var settings = WorkerPoolSettings()
        settings.attemptsPerWorker = perWorker
        settings.maxWorkers = maxWorkers
        return WorkerPoolStateMachine(name: "p/t", settings: settings)
    }

    private func spawned(_ actions: [WorkerPoolAction]) -> [WorkerID] {
        actions.compactMap { if case .spawn(let id) = $0 { id } else { nil } }
    }

    private func started(_ actions: [WorkerPoolAction]) -> [(WorkerID, AttemptToken)] {
        actions.compactMap { if case .start(let id, let token, _, _) = $0 { (id, token) } else { nil } }
    }

    @Test("who waits for a worker or a check hears of a quarantine too")
    func pauseAnswers() {
        var machine = machine()
        machine.warmUp(now: 0)
        let first = machine.takeActions()
        #expect(spawned(first).count == 1)
        machine.pause(true, now: 1)
        let answers = machine.takeActions().compactMap { action -> String? in
            if case .warmedUp(let failure) = action { failure } else { nil }
        }
        #expect(answers == ["it is quarantined"])
    }

    @Test("a ping does not make a pool forget that it waits before it starts again")
    func backoffOutlastsPings() {
        var machine = machine(maxWorkers: 2)
        machine.start([Self.request(1)], startedAt: 0, now: 0)
        let worker = spawned(machine.takeActions())[0]
        machine.workerReady(worker, pid: 1, now: 1)
        machine.start([Self.request(2)], startedAt: 2, now: 2)
        let failing = spawned(machine.takeActions())[0]
        machine.startFailed(failing, "no", isGone: true, now: 3)
        let backoff = machine.takeActions().compactMap { action -> (WorkerPoolTimer, Int64)? in
            if case .timer(.backoff(let number), let at) = action { (.backoff(number), at) } else { nil }
        }
        guard let (timer, at) = backoff.first else {
            Issue.record("no wait")
            return
        }
        machine.start([Self.request(3, suspect: true)], startedAt: 4, now: 4)
        #expect(spawned(machine.takeActions()).isEmpty)
        machine.ping(worker, now: 5)
        machine.timerFired(timer, now: at)
        #expect(!spawned(machine.takeActions()).isEmpty)
    }

    @Test("as many workers are started as the attempts need, and no more than allowed")
    func demand() {
        var machine = machine(perWorker: 2, maxWorkers: 3)
        machine.start((0..<3).map { Self.request($0) }, startedAt: 0, now: 0)
        #expect(spawned(machine.takeActions()).count == 2)
        machine.start((3..<20).map { Self.request($0) }, startedAt: 0, now: 0)
        #expect(spawned(machine.takeActions()).count == 1)
        machine.workerReady(1, pid: 10, now: 0)
        #expect(started(machine.takeActions()).map(\.0) == [1, 1])
    }

    @Test("the worker used last gets the next attempt, and the other one retires")
    func mostRecentlyUsed() {
        var machine = machine()
        machine.start([Self.request(1), Self.request(2)], startedAt: 0, now: 0)
        _ = machine.takeActions()
        machine.workerReady(1, pid: 1, now: 0)
        machine.workerReady(2, pid: 2, now: 0)
        let tokens = started(machine.takeActions())
        for (id, token) in tokens {
            machine.completed(token, by: id, .success(), now: 1)
            machine.released(token, by: id, now: 1)
        }
        machine.start([Self.request(3)], startedAt: 2, now: 2)
        #expect(started(machine.takeActions()).map(\.0) == [2])
        machine.timerFired(.idle(1), now: 60_000_001)
        machine.timerFired(.idle(2), now: 60_000_001)
        let shut = machine.takeActions().compactMap { if case .shutdown(let id) = $0 { id } else { nil } }
        #expect(shut == [1])
    }

    @Test("completion and end of the code are one event if they come in one batch, else two")
    func merged() {
        var machine = machine(perWorker: 2)
        machine.start([Self.request(1), Self.request(2)], startedAt: 0, now: 0)
        machine.workerReady(1, pid: 1, now: 0)
        let tokens = started(machine.takeActions()).map(\.1)
        machine.completed(tokens[0], by: 1, .success(), now: 1)
        machine.completed(tokens[1], by: 1, .success(), now: 1)
        machine.released(tokens[0], by: 1, now: 1)
        let events = machine.takeEvents(now: 1)
        #expect(events.count == 2)
        guard case .finished(_, _, "worker 1", codeEnded: true) = events[0],
            case .finished(_, _, _, codeEnded: false) = events[1]
        else {
            Issue.record("\(events)")
            return
        }
        machine.released(tokens[1], by: 1, now: 2)
        guard case .codeEnded = machine.takeEvents(now: 2).first else {
            Issue.record("no end of the code")
            return
        }
    }

    @Test("a worker cannot end another worker's attempt, nor one twice")
    func forged() {
        var machine = machine()
        machine.start([Self.request(1), Self.request(2)], startedAt: 0, now: 0)
        machine.workerReady(1, pid: 1, now: 0)
        machine.workerReady(2, pid: 2, now: 0)
        let tokens = started(machine.takeActions()).map(\.1)
        machine.completed(tokens[1], by: 1, .success(), now: 1)
        machine.released(tokens[0], by: 1, now: 1)
        #expect(machine.takeEvents(now: 1).isEmpty)
        machine.completed(tokens[0], by: 1, .success(), now: 1)
        machine.completed(tokens[0], by: 1, .success(), now: 1)
        machine.released(tokens[0], by: 1, now: 1)
        machine.released(tokens[0], by: 1, now: 1)
        #expect(machine.takeEvents(now: 1).count == 1)
    }

    @Test("failed starts are tried again after 100 ms, 200 ms … 30 s")
    func backoff() {
        var machine = machine()
        var now: Int64 = 0
        var waits: [Int64] = []
        for number in 1...12 {
            machine.start([Self.request(UInt64(number))], startedAt: now, now: now)
            let id = spawned(machine.takeActions()).first
            machine.startFailed(id ?? 0, "no", isGone: true, now: now)
            waits.append(machine.backoffUntil - now)
            guard case .finished(_, let result, _, codeEnded: true) = machine.takeEvents(now: now).first else {
                Issue.record("no result")
                return
            }
            #expect(result.class == .retryable && result.errorCode == "spindle.worker.start")
            now = machine.backoffUntil
            machine.timerFired(.backoff(machine.lastNumber), now: now)
        }
        #expect(waits.prefix(4) == [100_000, 200_000, 400_000, 800_000])
        #expect(waits.suffix(2) == [30_000_000, 30_000_000])
    }

    @Test("a paused pool gives back what waits, lets run what runs, and begins nothing")
    func pause() {
        var machine = machine(maxWorkers: 1)
        machine.start((0..<3).map { Self.request($0) }, startedAt: 0, now: 0)
        machine.workerReady(1, pid: 1, now: 0)
        let token = started(machine.takeActions()).map(\.1)
        machine.pause(true, now: 1)
        machine.start([Self.request(9), Self.request(10, suspect: true)], startedAt: 1, now: 1)
        let given = machine.takeEvents(now: 1).compactMap { event -> ExecutionResult.Class? in
            if case .finished(_, let result, nil, codeEnded: true) = event { result.class } else { nil }
        }
        #expect(given == [.deferred, .deferred, .deferred, .deferred])
        #expect(spawned(machine.takeActions()).isEmpty)
        machine.completed(token[0], by: 1, .success(), now: 2)
        machine.released(token[0], by: 1, now: 2)
        let shut = machine.takeActions().compactMap { if case .shutdown(let id) = $0 { id } else { nil } }
        #expect(shut == [1])
        machine.workerDied(1, WorkerDeath(), now: 3)
        machine.pause(false, now: 4)
        machine.start([Self.request(11)], startedAt: 4, now: 4)
        #expect(spawned(machine.takeActions()).count == 1)
    }

    @Test("what counts as a crash: what the host did not end, and what it ended because it did not answer")
    func whatCounts() {
        func crashes(_ body: (inout WorkerPoolStateMachine) -> Void) -> [String] {
            var machine = machine()
            machine.start([Self.request(1)], startedAt: 0, now: 0)
            body(&machine)
            return machine.takeActions().compactMap { if case .crashed(let what) = $0 { what } else { nil } }
        }
        var death = WorkerDeath()
        death.waitStatus = SIGSEGV
        #expect(
            crashes {
                $0.workerReady(1, pid: 7, now: 0)
                $0.workerDied(1, death, now: 0)
            }.count == 1
        )
        #expect(crashes { $0.workerDied(1, death, now: 0) }.first?.contains("while it was starting") == true)
        #expect(crashes { $0.startFailed(1, "no", isGone: true, now: 0) }.isEmpty)
        #expect(
            crashes {
                $0.workerReady(1, pid: 7, now: 0)
                $0.terminate(1, signal: SIGTERM, now: 0)
                $0.workerDied(1, death, now: 0)
            }.isEmpty
        )
        let hung = crashes {
            $0.workerReady(1, pid: 7, now: 0)
            $0.ping(1, now: 0)
            $0.timerFired(.pong(1, $0.lastNumber), now: 30_000_000)
            $0.workerDied(1, death, now: 30_000_001)
        }
        #expect(hung.first?.contains("did not answer") == true)
    }

    @Test("who is to blame", arguments: [true, false])
    func blame(_ isExclusive: Bool) {
        var worker = WorkerPoolStateMachine.Worker()
        worker.isExclusive = isExclusive
        worker.open = [20, 21]
        var death = WorkerDeath()
        #expect(WorkerPoolStateMachine.culprit(worker, [20, 21], death) == nil)
        death.suspects = [20]
        #expect(WorkerPoolStateMachine.culprit(worker, [20, 21], death) == 20)
        death.suspects = [20, 21]
        #expect(WorkerPoolStateMachine.culprit(worker, [20, 21], death) == nil)
        death.crash = CrashReport(signal: 11, token: 21, faultAddress: 0, instruction: 0, loadBase: 0, frames: [])
        #expect(WorkerPoolStateMachine.culprit(worker, [20, 21], death) == 21)
        death.crash = nil
        death.suspects = [99]
        #expect(WorkerPoolStateMachine.culprit(worker, [20, 21], death) == nil)
        death.suspects = [20]
        death.isIncomplete = true
        #expect(WorkerPoolStateMachine.culprit(worker, [20, 21], death) == nil)
        death = WorkerDeath()
        #expect(WorkerPoolStateMachine.culprit(worker, [20], death) == (isExclusive ? 20 : nil))
    }

    @Test("whatever happens in whatever order, each attempt gets one result and one end", arguments: 1...200)
    func anyOrder(_ seed: Int) {
        let random = SeededRandomSource(seed: UInt64(seed))
        var world = World(machine: machine(perWorker: seed % 3 + 1, maxWorkers: seed % 4 + 1))
        for step in 0..<400 { world.step(random, step) }
        world.finish()
        #expect(world.problems == [])
        #expect(world.results.count == world.begun && world.ends.count == world.begun)
        #expect(world.isStopped)
        #expect(world.machine.attempts.isEmpty && world.machine.workers.isEmpty && world.machine.tokens.isEmpty)
    }

    /// Workers that do anything at any time, and what the pool makes of it.
    private struct World {
        var machine: WorkerPoolStateMachine
        var now: Int64 = 0
        var begun = 0
        var results: Set<AttemptKey> = []
        var ends: Set<AttemptKey> = []
        var problems: [String] = []
        var isStopped = false
        private var keys: [AttemptKey] = []
        private var starting: [WorkerID] = []
        private var alive: [WorkerID] = []
        private var open: [WorkerID: Set<AttemptToken>] = [:]
        private var completed: Set<AttemptToken> = []
        private var timers: [(WorkerPoolTimer, Int64)] = []

        init(machine: WorkerPoolStateMachine) { self.machine = machine }

        mutating func step(_ random: SeededRandomSource, _ number: Int) {
            func pick<Item>(_ items: [Item]) -> Item? { items.isEmpty ? nil : items[Int(random.next() % UInt64(items.count))] }
            now += Int64(random.next() % 300_000)
            switch random.next() % 12 {
            case 0, 1, 2:
                let request = WorkerPoolStateMachineTests.request(UInt64(number), suspect: random.next() % 8 == 0)
                keys.append(request.key)
                begun += 1
                machine.start([request], startedAt: now, now: now)
            case 3, 4:
                if let id = pick(starting) {
                    starting.removeAll { $0 == id }
                    alive.append(id)
                    machine.workerReady(id, pid: Int32(id), now: now)
                }
            case 5:
                if let id = pick(starting) {
                    starting.removeAll { $0 == id }
                    machine.startFailed(id, "it did not", isGone: true, now: now)
                }
            case 6, 7, 8:
                if let id = pick(alive), let token = open[id]?.randomElementBy(random) {
                    machine.completed(token, by: id, .success(), now: now)
                    completed.insert(token)
                    if random.next() % 4 != 0 { release(token, id) }
                }
            case 9:
                if let id = pick(alive), let token = (open[id] ?? []).intersection(completed).randomElementBy(random) {
                    release(token, id)
                }
            case 10 where random.next() % 4 == 0: machine.pause(random.next() % 2 == 0, now: now)
            case 10:
                if let key = pick(keys) {
                    machine.cancel(key, reason: .user, grace: Int64(random.next() % 500_000), now: now)
                }
            default:
                if random.next() % 4 == 0, let id = pick(alive) { die(id) }
            }
            settle()
        }

        mutating func finish() {
            machine.stop(now: now)
            settle()
            // Nothing ends by itself any more: only the machine's own timers are left.
            for _ in 0..<10_000 where !isStopped {
                guard let next = timers.min(by: { $0.1 < $1.1 }) else { break }
                now = max(now, next.1)
                settle()
            }
        }

        private mutating func release(_ token: AttemptToken, _ id: WorkerID) {
            machine.released(token, by: id, now: now)
            open[id]?.remove(token)
            completed.remove(token)
        }

        private mutating func die(_ id: WorkerID) {
            alive.removeAll { $0 == id }
            starting.removeAll { $0 == id }
            var death = WorkerDeath()
            death.waitStatus = 11
            death.suspects = Array(open[id] ?? []).prefix(1).map { $0 }
            open[id] = nil
            machine.workerDied(id, death, now: now)
        }

        private mutating func settle() {
            while true {
                let actions = machine.takeActions()
                let due = timers.filter { $0.1 <= now }
                timers.removeAll { $0.1 <= now }
                let events = machine.takeEvents(now: now)
                if actions.isEmpty && due.isEmpty && events.isEmpty { return }
                for action in actions { perform(action) }
                for (timer, _) in due { machine.timerFired(timer, now: now) }
                for event in events { see(event) }
            }
        }

        private mutating func perform(_ action: WorkerPoolAction) {
            switch action {
            case .spawn(let id): starting.append(id)
            case .start(let id, let token, _, _):
                if !alive.contains(id) { problems.append("start in dead worker \(id)") }
                open[id, default: []].insert(token)
                if open[id]?.count ?? 0 > machine.settings.attemptsPerWorker { problems.append("too many in \(id)") }
            case .signal(let id, SIGKILL), .shutdown(let id), .killInit(let id):
                if alive.contains(id) || starting.contains(id) { die(id) }
            case .timer(let timer, let moment): timers.append((timer, moment))
            case .stopped: isStopped = true
            default: break
            }
        }

        private mutating func see(_ event: AttemptEvent) {
            switch event {
            case .finished(let key, _, _, let codeEnded):
                if !results.insert(key).inserted { problems.append("two results of \(key)") }
                if codeEnded, !ends.insert(key).inserted { problems.append("two ends of \(key)") }
            case .codeEnded(let key):
                if !results.contains(key) { problems.append("an end before the result of \(key)") }
                if !ends.insert(key).inserted { problems.append("two ends of \(key)") }
            default: break
            }
        }
    }
}

extension Set<AttemptToken> {
    fileprivate func randomElementBy(_ random: SeededRandomSource) -> AttemptToken? {
        let sorted = sorted()
        return sorted.isEmpty ? nil : sorted[Int(random.next() % UInt64(sorted.count))]
    }
}
