import Synchronization

/// A new version that serves on trial, with the old one that would come back.
final class TrialRun: Sendable {
    let file: String
    let old: PluginGeneration
    let new: PluginGeneration

    private let trial: Trial
    private let time: Int64
    private let isOver = Mutex(false)

    init(file: String, old: PluginGeneration, new: PluginGeneration, settings: ReloadSettings) {
        self.file = file
        self.old = old
        self.new = new
        trial = Trial(settings, before: old.executors.map(\.tally.recentShare).max() ?? 0)
        time = settings.trialTime
    }

    /// Tells, once, when the attempts of the new version have shown enough, or too few come.
    func begin(_ requests: AsyncStream<PluginReloader.Request>.Continuation, loop: HostLoop) {
        for executor in new.executors {
            executor.observeEnds { [weak self] in
                if let self, let verdict = look() { tell(verdict, requests) }
            }
        }
        new.supervisor?.observe { [weak self] in
            guard let self, let quarantine = new.supervisor?.quarantine else { return }
            tell(.failed("it is quarantined: \(quarantine.reason)"), requests)
        }
        loop.post { [self] in
            loop.schedule(at: loop.now + time) { [weak self] in self?.tell(.passed, requests) }
        }
    }

    /// Looks no longer.
    func end() {
        isOver.withLock { $0 = true }
        for executor in new.executors { executor.observeEnds(nil) }
    }

    private func look() -> Trial.Verdict? {
        let tallies = new.executors.map(\.tally)
        return trial.verdict(ends: tallies.reduce(0) { $0 + $1.ends }, failures: tallies.reduce(0) { $0 + $1.failures })
    }

    private func tell(_ verdict: Trial.Verdict, _ requests: AsyncStream<PluginReloader.Request>.Continuation) {
        let isFirst = isOver.withLock { isOver in
            defer { isOver = true }
            return !isOver
        }
        if isFirst { requests.yield(.decided(self, verdict)) }
    }
}
