import SpindleCore

/// Types that get no attempts for a while, or no longer.
extension DispatcherStateMachine {
    /// Starts and claims nothing more of a type until ``serve(_:)``. What runs, runs on.
    package mutating func withdraw(type index: Int) {
        guard types[index].isServed else { return }
        types[index].isServed = false
        release(reservationsOf: index)
    }

    /// The executor of a type takes no attempts from now on, or takes them again. What runs, runs on.
    package mutating func pause(type name: String, _ isPaused: Bool) {
        let index = index(ofType: name)
        types[index].isPaused = isPaused
        // No claim will be made that they are kept free for: others may have them.
        if isPaused { release(reservationsOf: index) }
    }

    /// What was claimed for a type that takes no work and has not started goes back to the store: who looks at it must see it queued, and
    /// another host may be able to run it.
    mutating func giveBackWaiting(wall: Timestamp) {
        // A draining host gives all back in one command when it closes.
        guard !isDraining else { return }
        for index in types.indices where !types[index].takesWork && (!types[index].ready.isEmpty || types[index].parked > 0) {
            _ = types[index].ready.removeAll()
            // In order, so that a seed of the simulator always gives the same run.
            for id in records.keys.sorted() {
                guard let record = records[id], record.type == index else { continue }
                if record.phase == .ready || record.phase == .parked { giveBack(record, wall: wall) }
            }
        }
    }
}
