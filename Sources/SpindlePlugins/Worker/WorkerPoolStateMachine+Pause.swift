import Glibc
import SpindleCore

// A plugin that gets no work for a while.
extension WorkerPoolStateMachine {
    /// Takes no attempts from now on, or takes them again. What runs, runs on; workers without attempts end.
    mutating func pause(_ isPaused: Bool, now: Int64) {
        guard self.isPaused != isPaused, !isStopping else { return }
        self.isPaused = isPaused
        guard isPaused else { return dispatch(now: now) }
        for token in Array(waiting) + Array(waitingSuspects) { finish(token, Self.deferred, codeEnded: true) }
        waiting.removeAll()
        waitingSuspects.removeAll()
        for number in questions.keys.sorted() { act(.answer(number, false)) }
        questions = [:]
        warmedUp(failure: "it is quarantined")
        checkFailed("it is quarantined", now: now)
        for (id, worker) in workers {
            switch worker.phase {
            case .starting:
                if let token = worker.reserved { finish(token, Self.deferred, codeEnded: true) }
                terminate(id, signal: SIGKILL, now: now)
            case .ready: if worker.open.isEmpty { shutDown(id, now: now) }
            case .retiring, .condemned, .ending: break
            }
        }
    }
}
