internal import SpindleCore

extension StoreWriter {
    private struct Child {
        let id: ExecutionID
        let condition: DependencyCondition
        let pending: Int64
        let type: String
        let priority: Int32
        let runAt: Timestamp?
        let flags: RowFlags
    }

    /// Tells those that wait for an ended execution; those whose condition is false end as `skipped`, and so on down.
    func releaseChildren(
        of id: ExecutionID,
        state: ExecutionState,
        at: Timestamp,
        _ release: inout Release
    ) throws(SQLiteFailure) {
        var ended = [(id: id, state: state)]
        while let parent = ended.popLast() {
            for child in try waitingChildren(of: parent.id) {
                guard child.condition.isMet(by: parent.state) else {
                    try end(child.id, as: .skipped, at: at)
                    count(.waiting, .skipped, type: child.type, at: at)
                    release.skipped.append(child.id)
                    if child.flags.contains(.children) { ended.append((child.id, .skipped)) }
                    continue
                }
                let met = try prepare(.meetDependency)
                met.add(child.id)
                met.add(parent.id)
                try met.run()
                try makeReady(child, at: at, &release)
            }
        }
    }

    private func waitingChildren(of parent: ExecutionID) throws(SQLiteFailure) -> [Child] {
        let row = try prepare(.readWaitingChildren)
        row.add(parent)
        var children: [Child] = []
        while try row.step() {
            children.append(
                Child(
                    id: row.execution(0),
                    condition: DependencyCondition(number: row.int(1)),
                    pending: row.int(2),
                    type: row.text(3) ?? "",
                    priority: row.int32(4),
                    runAt: row.optionalTimestamp(5),
                    flags: RowFlags(rawValue: row.int(6))
                )
            )
        }
        return children
    }

    private func makeReady(_ child: Child, at: Timestamp, _ release: inout Release) throws(SQLiteFailure) {
        let pending = child.pending - 1
        let isScheduled = child.runAt.map { $0 > at } ?? false
        let state: ExecutionState = pending > 0 ? .waiting : isScheduled ? .scheduled : .queued
        let readyAt = isScheduled ? child.runAt ?? at : at
        let row = try prepare(.releaseChild)
        row.add(Int64(state.rawValue))
        row.add(pending)
        row.add(state == .queued ? nil : child.runAt)
        row.add(NewExecution.rank(readyAt: readyAt, priority: child.priority))
        row.add(child.id)
        try row.run()
        guard state != .waiting else { return }
        count(.waiting, state, type: child.type, at: at)
        if state == .queued { release.readyTypes.insert(child.type) }
    }

    /// Ends an execution that does not run.
    func end(_ id: ExecutionID, as state: ExecutionState, at: Timestamp, cancelledAt: Timestamp? = nil) throws(SQLiteFailure) {
        let row = try prepare(.end)
        row.add(Int64(state.rawValue))
        row.add(at)
        row.add(cancelledAt)
        row.add(id)
        try row.run()
    }
}
