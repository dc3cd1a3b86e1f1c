import DequeModule
import SpindleCore
import Synchronization

/// Threads of the operating system for calls that may block as long as they like; more are made as they are needed.
final class ThreadPool: Sendable {
    private struct State {
        var jobs = Deque<@Sendable () -> Void>()
        var idle = 0
        var threads = 0
    }

    private let name: String
    private let limit: Int
    private let state = Mutex(State())
    private let work = Signal()

    init(name: String, limit: Int) {
        self.name = name
        self.limit = limit
    }

    /// Runs something as soon as a thread is free. Never blocks.
    func submit(_ job: @escaping @Sendable () -> Void) {
        let mustStart = state.withLock { state in
            state.jobs.append(job)
            guard state.idle < state.jobs.count, state.threads < limit else { return false }
            state.threads += 1
            return true
        }
        if mustStart {
            do { try OSThread.start(name) { self.run() } } catch {
                // The threads there are will come to it; without any, the next submission tries again.
                state.withLock { $0.threads -= 1 }
            }
        }
        work.raise()
    }

    private func run() {
        var isIdle = false
        while true {
            let job = state.withLock { state -> (@Sendable () -> Void)? in
                if isIdle { state.idle -= 1 }
                isIdle = state.jobs.isEmpty
                if isIdle { state.idle += 1 }
                return state.jobs.popFirst()
            }
            if let job {
                job()
            } else if !work.wait(microseconds: 10_000_000), retire() {
                return
            }
        }
    }

    /// Ends the calling thread's membership, unless there is something to do after all.
    private func retire() -> Bool {
        state.withLock { state in
            guard state.jobs.isEmpty else { return false }
            state.idle -= 1
            state.threads -= 1
            return true
        }
    }
}
