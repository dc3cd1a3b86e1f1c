/// A worker ahead of work, so that a new version shows that it starts.
extension WorkerPoolStateMachine {
    /// Starts a worker if none is ready; ``WorkerPoolAction/warmedUp(failure:)`` tells how that went.
    mutating func warmUp(now: Int64) {
        if isStopping { return act(.warmedUp(failure: "the plugin host is stopping")) }
        if isPaused { return act(.warmedUp(failure: "it is quarantined")) }
        if workers.values.contains(where: { $0.phase == .ready && !$0.isExclusive }) { return act(.warmedUp(failure: nil)) }
        isWarmingUp = true
        if !workers.values.contains(where: { $0.phase == .starting && !$0.isExclusive }) { _ = spawn(now: now) }
    }

    /// A worker has become ready, or will not.
    mutating func warmedUp(failure: String?) {
        guard isWarmingUp else { return }
        isWarmingUp = false
        act(.warmedUp(failure: failure))
    }
}
