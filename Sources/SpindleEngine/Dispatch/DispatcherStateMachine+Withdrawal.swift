import SpindleCore

/// Types that are not served for a while, or no longer.
extension DispatcherStateMachine {
    /// Starts and claims nothing more of a type, until ``serve(_:)``.
    ///
    /// What runs goes on. What waits here for a slot is given back: it stays queued in the store, for whoever serves the type next.
    package mutating func withdraw(type index: Int) {
        guard types[index].isServed else { return }
        types[index].isServed = false
        release(reservationsOf: index)
        let waiting = records.values.filter { $0.type == index && ($0.phase == .ready || $0.phase == .parked) }
        guard !waiting.isEmpty else { return }
        for record in waiting { records[record.key.execution] = nil }
        _ = types[index].ready.removeAll()
        types[index].parked = 0
        // One of them may be the one that the free slot of its key was meant for. In order, so that a seed always gives the same run.
        for name in Set(waiting.filter { $0.phase == .ready }.compactMap(\.request.concurrencyKey)).sorted() { unparkNext(ofKey: name) }
        giveBack()
    }

    /// The store believes that this host holds more than it does: it is told what that is.
    mutating func giveBack() { doubts += 1 }
}
