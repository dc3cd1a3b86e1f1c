import Glibc
import SpindleCore

// What workers take, and how long they are used.
extension WorkerPoolStateMachine {
    /// What a worker's processes take, as the system says.
    mutating func measured(_ id: WorkerID, _ usage: WorkerUsage, now: Int64) {
        guard let worker = workers[id], worker.phase != .ending else { return }
        workers[id]?.usage = usage
        if usage.isInitStopped {
            // Seen twice: somebody may have stopped it for a moment. What is stopped does nothing that it is told, so only force helps.
            guard worker.usage?.isInitStopped == true else { return }
            workers[id]?.isHung = true
            terminate(id, signal: SIGKILL, now: now)
        } else if let most = settings.recycle.memory, usage.memory > most {
            retire(id, now: now)
        }
    }

    mutating func ageOver(_ id: WorkerID, now: Int64) { retire(id, now: now) }

    /// Whether a worker was given all the attempts that it may have.
    func isUsedUp(_ worker: Worker) -> Bool { settings.recycle.jobs.map { worker.started >= Int($0) } ?? false }

    /// Gives a worker no new attempts; it ends by itself when those that it has end.
    mutating func retire(_ id: WorkerID, now: Int64) {
        guard let worker = workers[id], worker.phase == .ready, !worker.isExclusive else { return }
        available.removeAll { $0 == id }
        if worker.open.isEmpty && !isAtCheck(id) {
            shutDown(id, now: now)
        } else {
            workers[id]?.phase = .retiring
        }
        dispatch(now: now)
    }

    mutating func endIfRetiringIsDone(_ id: WorkerID, now: Int64) {
        guard let worker = workers[id], worker.phase == .retiring, worker.open.isEmpty, !isAtCheck(id) else { return }
        shutDown(id, now: now)
    }
}
