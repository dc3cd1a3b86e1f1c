import SpindleCore

// What there is to tell about a pool.
extension WorkerPoolStateMachine {
    /// How the pool does.
    ///
    /// - Parameters:
    ///   - type: Of the executor.
    ///   - pids: The processes of the workers, as far as they are known.
    func report(type: String, pids: [WorkerID: Int32], now: Int64) -> ExecutorReport {
        var report = ExecutorReport(type: type)
        for (id, worker) in workers.sorted(by: { $0.key < $1.key }) {
            report.workers.append(
                ExecutorReport.Worker(
                    pid: pids[id] ?? 0,
                    phase: worker.phase.rawValue,
                    open: worker.open.count,
                    started: worker.started,
                    age: worker.readyAt.map { now - $0 } ?? 0,
                    memory: worker.usage?.memory,
                    processorTime: worker.usage?.processorTime,
                    processes: worker.usage?.processes
                )
            )
        }
        report.readiness = readiness
        report.cancels = cancels.count
        report.ignoredCancels = cancels.ignored
        report.medianCancel = cancels.quantile(0.5)
        report.longestCancel = cancels.count > 0 ? cancels.max : nil
        return report
    }

    /// The code of an attempt has ended.
    mutating func codeEnded(_ attempt: Attempt, now: Int64) {
        if let askedAt = attempt.cancelledAt { cancels.ended(after: now - askedAt) }
    }

    /// The grace of a cancelled attempt is over and its code is not.
    mutating func wasIgnored(_ attempt: Attempt) {
        guard attempt.cancelledAt != nil else { return }
        cancels.wasIgnored()
        if settings.promisesCancel, cancels.ignored == 1 {
            act(.note("\(name) says that it can be cancelled, and goes on: its worker is ended by force, each time"))
        }
    }
}
