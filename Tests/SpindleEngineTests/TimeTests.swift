import SpindleCore
import Synchronization
import TestSupport
import Testing

@testable import SpindleEngine

@Suite struct Alarms {
    @Test func systemClockRingsInOrder() async {
        let clock = SystemAlarmClock()
        let heard = Mutex<[Int]>([])
        let last = Gate()
        let now = clock.monotonic
        // On the clock's own thread, where nothing rings before all of them are there.
        clock.schedule(at: now) {
            clock.schedule(at: now + 3000) {
                heard.withLock { $0.append(3) }
                last.open()
            }
            clock.schedule(at: now + 1000) { heard.withLock { $0.append(1) } }
            clock.schedule(at: now - 5) { heard.withLock { $0.append(0) } }
        }
        clock.schedule(at: .max) {}
        await last.wait()
        #expect(heard.withLock { $0 } == [0, 1, 3])
        #expect(clock.monotonic >= now + 3000)
    }

    @Test func sleepEndsWithItsTask() async {
        let clock = ManualClock()
        let sleeping = Task { await clock.sleep(microseconds: 1_000_000) }
        await clock.alarm(at: 1_000_000)
        sleeping.cancel()
        await sleeping.value
        #expect(clock.monotonic == 0)
    }

    /// An alarm that an earlier one overtook must not arm a successor beside the one that counts.
    @Test func promotionKeepsOneAlarm() async {
        let clock = ManualClock()
        let promotion = Promotion(clock: clock)
        var wakes = promotion.wakeUp.stream.makeAsyncIterator()
        for offset in stride(from: Int64(50), to: 0, by: -1) {
            promotion.consider(clock.now.advanced(byMicroseconds: offset * 1000))
        }
        #expect(clock.alarmCount == 50)
        for _ in 0..<100 {
            clock.advance(by: 1000)
            if clock.monotonic == 1000 { _ = await wakes.next() }
            promotion.reset()
            promotion.consider(clock.now.advanced(byMicroseconds: 1_000_000))
        }
        #expect(clock.alarmCount <= 2)
    }

    @Test func promotionLooksAgainAfterAMinuteAtMost() {
        let clock = ManualClock()
        let promotion = Promotion(clock: clock)
        promotion.consider(Timestamp(microseconds: .max))
        clock.advance(by: 60_000_000)
        #expect(clock.alarmCount == 0)
    }
}

@Suite struct Logs {
    /// Keeps each batch until the test lets it through.
    private final class SlowLogStore: LogStore {
        let base = MemoryLogStore()
        let entered = Gate()
        let release = Gate()
        func append(_ records: [LogRecord]) async throws {
            entered.open()
            await release.wait()
            // As a database does.
            try Task.checkCancellation()
            try await base.append(records)
        }
        func records(of id: ExecutionID, after: Int64, limit: Int) async throws -> [LogRecord] {
            try await base.records(of: id, after: after, limit: limit)
        }
        func remove(_ ids: [ExecutionID]) async throws { try await base.remove(ids) }
    }

    /// A reader sees lines whose batch was on its way when it asked.
    @Test func readersWaitForTheBatchUnderWay() async throws {
        let store = SlowLogStore()
        let hub = LogHub(store: store, clock: ManualClock()) { _ in false }
        let key = AttemptKey(ExecutionID(UUIDv7(high: 1, low: 1)), 1)
        hub.append(key, LogLine(level: .info, stream: .plugin, message: "one"))
        let writing = Task { try await hub.flush() }
        await store.entered.wait()
        let reading = Task { try await hub.records(of: key.execution) }
        await Task.yield()
        store.release.open()
        try await writing.value
        #expect(try await reading.value.map(\.line.message) == ["one"])
    }

    /// The host's loops are cancelled when it stops: what they were writing is kept all the same.
    @Test func cancellationLosesNoLines() async throws {
        let store = SlowLogStore()
        let hub = LogHub(store: store, clock: ManualClock()) { _ in false }
        let key = AttemptKey(ExecutionID(UUIDv7(high: 1, low: 1)), 1)
        hub.append(key, LogLine(level: .info, stream: .plugin, message: "last words"))
        let writing = Task { try await hub.flush() }
        await store.entered.wait()
        writing.cancel()
        store.release.open()
        try await writing.value
        #expect(try await hub.records(of: key.execution).map(\.line.message) == ["last words"])
    }

    /// Of a flood that the store does not keep up with, the first and the last lines are kept, and a line tells of the rest.
    @Test func theBacklogKeepsTheEndOfAFlood() {
        let flood = AttemptKey(ExecutionID(UUIDv7(high: 1, low: 1)), 1)
        let other = AttemptKey(ExecutionID(UUIDv7(high: 1, low: 2)), 1)
        func record(_ key: AttemptKey, _ sequence: Int64, _ length: Int) -> LogRecord {
            let line = LogLine(level: .info, stream: .stdout, message: String(repeating: "x", count: length))
            return LogRecord(key: key, sequence: sequence, at: Timestamp(microseconds: sequence), line: line)
        }
        var backlog = LogBacklog(limit: 10_000, tailLimit: 5000)
        for number in 1...1000 { backlog.add(record(flood, Int64(number), 920)) }
        // The next one would find room by its size, but its attempt's lines must stay in order.
        backlog.add(record(flood, 1001, 0))
        backlog.add(record(other, 1, 900))
        let kept = backlog.take()
        let ofFlood = kept.filter { $0.key == flood }
        #expect(ofFlood.map(\.sequence) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 996, 997, 998, 999, 1000, 1001])
        #expect(ofFlood[10].line.message == "986 lines were dropped here: too many at once.")
        #expect(kept.filter { $0.key == other }.map(\.sequence) == [1])
        #expect(backlog.isEmpty && backlog.take().isEmpty)
    }
}

@Suite struct Decisions {
    private func decide(_ result: ExecutionResult, retries: Int32 = 3) -> SettleDecision {
        var policy = JobPolicy()
        policy.retry.maxRetries = retries
        let request = AttemptRequest(
            key: AttemptKey(ExecutionID(UUIDv7(high: 1, low: 1)), 1),
            jobID: JobID(UUIDv7(high: 1, low: 1)),
            executorType: "t",
            target: "",
            policy: policy,
            maxFailures: retries + 1
        )
        let record = AttemptRecord(ClaimedExecution(request: request, rank: 0), type: 0)
        return SettleDecision(record, result, now: Timestamp(microseconds: 0), random: { 0 }, maxCrashes: 3)
    }

    @Test func aPluginCannotAskForAWaitOutOfBounds() {
        let year = Timestamp(microseconds: Limits.delay.upperBound)
        #expect(decide(.retryable("x", retryAfter: .max)).next == .retry(at: year))
        #expect(decide(.retryable("x", retryAfter: .min)).next == .retry(at: Timestamp(microseconds: 0)))
        #expect(decide(.retryable("x", retryAfter: 5)).next == .retry(at: Timestamp(microseconds: 5)))
    }

    @Test func whatIsNotRetried() {
        #expect(decide(.permanent("x")).next == .final(.failed))
        #expect(decide(ExecutionResult(class: .rejected)).outcome == .rejected)
        #expect(decide(.retryable("x"), retries: 0).next == .final(.failed))
        let interrupted = decide(ExecutionResult(class: .interrupted))
        #expect(interrupted.next == .requeue && interrupted.failures == 0)
    }
}
