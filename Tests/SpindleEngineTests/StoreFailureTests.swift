import SpindleCore
import SpindleEngine
import Synchronization
import TestSupport
import Testing

/// Batches that fail, written or not: nothing is lost, nothing runs twice after a success, nobody waits for ever.
@Suite struct StoreFailure {
    private static func isSettle(_ batch: [StoreCommand]) -> Bool {
        batch.contains { if case .settle = $0 { true } else { false } }
    }
    private static func isSubmit(_ batch: [StoreCommand]) -> Bool {
        batch.contains { if case .submit = $0 { true } else { false } }
    }
    private static func isClaim(_ batch: [StoreCommand]) -> Bool {
        batch.contains { if case .claim = $0 { true } else { false } }
    }
    private static func isPromote(_ batch: [StoreCommand]) -> Bool {
        batch.contains { if case .promote = $0 { true } else { false } }
    }

    /// Fails the first so many batches of a kind.
    private func failing(
        _ count: Int,
        _ fate: FailingStore.Fate,
        _ isKind: @escaping @Sendable ([StoreCommand]) -> Bool
    ) -> FailingStore {
        let store = FailingStore()
        let left = Counter(count)
        store.decide { isKind($0) && left.take() ? fate : .written }
        return store
    }

    /// On a full disk executions can still end: that does not mean that there is room for new ones.
    @Test func fullDiskLastsUntilASubmissionIsAccepted() async throws {
        let executor = ScriptedExecutor.manual()
        let store = FailingStore()
        try await Bench.with([executor], store: store) { bench in
            let running = try await bench.submit(.of())
            store.decide { Self.isSubmit($0) ? .full : .written }
            let refused = await #expect(throws: SpindleError.self) { try await bench.submit(.of()) }
            #expect(refused?.code == .storeFull)
            executor.finish(await executor.nextStart().key, .success())
            #expect(try await bench.engine.wait(for: running).state == .succeeded)
            #expect(bench.engine.status.storeProblem?.code == .storeFull)
            // Somebody has to try again, or nobody would ever learn that there is room.
            bench.clock.advance(by: 10_000_000)
            #expect(bench.engine.status.storeProblem == nil)
            await #expect(throws: SpindleError.self) { try await bench.submit(.of()) }
            #expect(bench.engine.status.storeProblem?.code == .storeFull)
            store.decide { _ in .written }
            _ = try await bench.submit(.of())
            #expect(bench.engine.status.storeProblem == nil)
            executor.finish(await executor.nextStart().key, .success())
        }
    }

    private func advanceUntil(_ bench: Bench, _ id: ExecutionID) async throws -> ExecutionEnd {
        let wait = Task { try await bench.engine.wait(for: id) }
        let done = Counter(1)
        let watch = Task {
            let end = try await wait.value
            _ = done.take()
            return end
        }
        while !done.isEmpty {
            bench.clock.advance(by: 50_000)
            await Task.yield()
        }
        return try await watch.value
    }

    @Test(arguments: [FailingStore.Fate.lost, .answerLost]) func settle(_ fate: FailingStore.Fate) async throws {
        let executor = ScriptedExecutor.quick()
        try await Bench.with([executor], store: failing(3, fate, Self.isSettle)) { bench in
            let id = try await bench.submit(.of())
            let end = try await advanceUntil(bench, id)
            #expect(end.state == .succeeded)
            #expect(executor.started.count == 1)
            #expect(bench.engine.status.storeProblem == nil)
        }
    }

    /// The answer that told of the child's turn was lost.
    @Test func childOfALostSettlementRuns() async throws {
        let executor = ScriptedExecutor.manual()
        let store = FailingStore()
        try await Bench.with([executor], store: store) { bench in
            let parent = try await bench.submit(.of())
            let child = try await bench.engine.submit(Submission(.of(target: "child"), after: [Dependency(parent)])).id
            let left = Counter(1)
            store.decide { Self.isSettle($0) && left.take() ? .answerLost : .written }
            executor.finish(await executor.nextStart().key, .success())
            let finisher = Task { executor.finish(await executor.nextStart().key, .success()) }
            #expect(try await advanceUntil(bench, child).state == .succeeded)
            await finisher.value
        }
    }

    /// The answer that told of the due execution was lost.
    @Test func dueWorkOfALostPromotionRuns() async throws {
        let executor = ScriptedExecutor.quick()
        try await Bench.with([executor], store: failing(1, .answerLost, Self.isPromote)) { bench in
            var submission = Submission(.of())
            submission.runAt = bench.clock.now.advanced(byMicroseconds: 10_000)
            let id = try await bench.engine.submit(submission).id
            #expect(try await advanceUntil(bench, id).state == .succeeded)
        }
    }

    /// An execution that expired in a batch of unknown fate: those who wait for it hear of it.
    @Test func waiterOfALostExpiryIsTold() async throws {
        let executor = ScriptedExecutor.manual(concurrency: 1)
        try await Bench.with([executor], store: failing(1, .answerLost, Self.isPromote)) { bench in
            _ = try await bench.submit(.of())
            let running = await executor.nextStart()
            var submission = Submission(.of())
            submission.runAt = bench.clock.now.advanced(byMicroseconds: 1_000_000)
            submission.startBy = submission.runAt
            let id = try await bench.engine.submit(submission).id
            bench.clock.advance(by: 900_000)
            #expect(try await advanceUntil(bench, id).state == .expired)
            executor.finish(running.key, .success())
        }
    }

    /// A submission inserted as claimed whose answer was lost: the row is given back and runs, though no memory knows it.
    @Test func lostSubmissionRuns() async throws {
        let executor = ScriptedExecutor.quick()
        let store = FailingStore()
        try await Bench.with([executor], store: store) { bench in
            // The host has learned that nothing is queued: the next submission finds its slot free.
            _ = try await bench.engine.execute(Submission(.of()))
            let left = Counter(1)
            store.decide { Self.isSubmit($0) && left.take() ? .answerLost : .written }
            let id = ExecutionID(UUIDv7(milliseconds: 5, random: (5, 5)))
            await #expect(throws: SpindleError.self) { try await bench.engine.submit(Submission(.of(), id: id)) }
            #expect(try await bench.engine.submit(Submission(.of(), id: id)).created == false)
            #expect(try await advanceUntil(bench, id).state == .succeeded)
        }
    }

    @Test func lostClaimRuns() async throws {
        let executor = ScriptedExecutor.quick()
        try await Bench.with([executor], store: failing(2, .answerLost, Self.isClaim)) { bench in
            let id = try await bench.submit(.of())
            #expect(try await advanceUntil(bench, id).state == .succeeded)
            #expect(executor.started.count == 1)
        }
    }

    /// A stop ends although the store is gone; the next start recovers what was held.
    @Test func stopEndsWithoutAStore() async throws {
        let executor = ScriptedExecutor.quick()
        let store = FailingStore()
        let bench = try await Bench([executor], store: store)
        let id = try await bench.submit(.of())
        _ = try await bench.engine.wait(for: id)
        store.decide { _ in .lost }
        try await bench.stop()
        store.decide { _ in .written }
        try await Bench.with([ScriptedExecutor.quick()], store: store) { second in
            let result = try await second.engine.execute(Submission(.of()))
            #expect(result.success)
        }
    }
}

/// Counts down to nothing.
private final class Counter: Sendable {
    private let left: Mutex<Int>
    init(_ count: Int) { left = Mutex(count) }
    var isEmpty: Bool { left.withLock { $0 <= 0 } }
    /// Whether there was one left.
    func take() -> Bool {
        left.withLock { left in
            left -= 1
            return left >= 0
        }
    }
}
