import SpindleCore
import Synchronization
import TestSupport
import Testing

@testable import SpindleEngine

/// Plain executors behind the batch seam.
@Suite(.timeLimit(.minutes(3))) struct TaskPerAttempt {
    /// Asks for its own end as the first thing, then waits as code does that only knows task cancellation.
    private struct Impatient: JobExecutor {
        let cancel: @Sendable (AttemptKey) -> Void
        var executorType: String { "impatient" }

        func execute(_ context: ExecutionContext) async -> ExecutionResult {
            cancel(context.request.key)
            do {
                try await Task.sleep(for: .seconds(36_000))
                return .success()
            } catch {
                return .failure("cancelled")
            }
        }
    }

    @Test("a cancel that comes while the task is being made still reaches it")
    func earlyCancel() async throws {
        let threads = ThreadPoolTaskExecutor(maxThreads: 8)
        defer { threads.stop() }
        let place = Mutex<TaskPerAttemptExecutor?>(nil)
        let impatient = Impatient { key in place.withLock { $0 }?.cancel(key, reason: .user, grace: 1_000_000) }
        let executor = TaskPerAttemptExecutor(impatient, threads: threads, clock: ManualClock())
        place.withLock { $0 = executor }
        let (ends, reports) = AsyncStream.makeStream(of: Int.self)
        executor.report { reports.yield($0.count) }
        let count = 5000
        executor.start((0..<count).map { request($0) }, now: 0)
        var ended = 0
        for await end in ends {
            ended += end
            if ended == count { break }
        }
        #expect(ended == count)
        place.withLock { $0 = nil }
    }

    private func request(_ number: Int) -> AttemptRequest {
        let uuid = UUIDv7(high: 1, low: UInt64(number))
        return AttemptRequest(key: AttemptKey(ExecutionID(uuid), 1), jobID: JobID(uuid), executorType: "impatient", target: "")
    }
}
