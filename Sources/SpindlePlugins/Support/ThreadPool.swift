import DequeModule
import SpindleCore
import Synchronization

/// Threads of the operating system for calls that may block as long as they like; more are made as they are needed.
///
/// Each thread that takes a job and leaves others wakes or makes one more before it begins: jobs that block all get a thread, and
/// jobs that end at once are done by few, without a wake-up for each.
final class ThreadPool: Sendable {
    typealias Job = @Sendable () -> Void

    /// What a queue without enough threads wants.
    private enum Help { case none, wake, make }

    private struct State {
        var jobs = Deque<Job>()
        var idle = 0
        var threads = 0
        /// A thread was woken or made and has not looked at the queue yet.
        var isHelpComing = false

        mutating func help(limit: Int) -> Help {
            guard !jobs.isEmpty, !isHelpComing else { return .none }
            if idle > 0 {
                isHelpComing = true
                return .wake
            }
            guard threads < limit else { return .none }
            threads += 1
            isHelpComing = true
            return .make
        }
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
    func submit(_ job: @escaping Job) { submit([job]) }

    /// Runs several things, each as soon as a thread is free. Never blocks.
    func submit(_ jobs: [Job]) {
        give(
            state.withLock { state in
                state.jobs.append(contentsOf: jobs)
                return state.help(limit: limit)
            }
        )
    }

    private func give(_ help: Help) {
        switch help {
        case .none: break
        case .wake: work.raise()
        case .make:
            do { try OSThread.start(name) { self.run() } } catch {
                // The threads there are will come to it; without any, the next submission tries again.
                state.withLock { state in
                    state.threads -= 1
                    state.isHelpComing = false
                }
            }
        }
    }

    private func run() {
        var isIdle = false
        var isHelp = true
        while true {
            let (job, help) = state.withLock { state -> (Job?, Help) in
                if isHelp { state.isHelpComing = false }
                if isIdle { state.idle -= 1 }
                let job = state.jobs.popFirst()
                isIdle = job == nil
                if isIdle { state.idle += 1 }
                return (job, state.help(limit: limit))
            }
            give(help)
            isHelp = job == nil
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
            // Help that was called may have been this thread; a signal that is left over only wakes somebody for nothing.
            state.isHelpComing = false
            return true
        }
    }
}
