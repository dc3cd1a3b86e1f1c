extension MemoryJobStoreState {
    /// What of a record decides in which indexes it stands.
    struct IndexedRecord {
        let id: ExecutionID
        let state: ExecutionState
        let type: String
        let mayExpire: Bool
        let uniqueScope: String?

        init(_ record: Record) {
            id = record.execution.id
            state = record.execution.state
            type = record.execution.executorType
            let hasNotStarted = record.execution.attempt == 0 && [.scheduled, .waiting, .queued].contains(state)
            mayExpire = hasNotStarted && record.execution.startBy != nil
            uniqueScope = state.isFinal ? nil : record.uniqueScope
        }
    }

    /// Enters a record in the indexes of its state.
    mutating func index(_ record: Record) {
        let indexed = IndexedRecord(record)
        let execution = record.execution
        switch indexed.state {
        case .queued: ready[indexed.type, default: LazyOrder()].insert(record.rank, indexed.id)
        case .scheduled, .retrying: due.insert(execution.runAt?.microseconds ?? 0, indexed.id)
        case .running: running.insert(indexed.id)
        case .waiting: break
        case .succeeded, .failed, .cancelled, .skipped, .expired:
            ended[indexed.state, default: LazyOrder()].insert(execution.finishedAt?.microseconds ?? 0, indexed.id)
        }
        if indexed.mayExpire, let startBy = execution.startBy { expiring.insert(startBy.microseconds, indexed.id) }
        if let scope = indexed.uniqueScope { unique[scope] = indexed.id }
    }

    /// Takes a record, as it was, out of the indexes.
    mutating func unindex(_ old: IndexedRecord) {
        switch old.state {
        case .queued: ready[old.type]?.remove(old.id)
        case .scheduled, .retrying: due.remove(old.id)
        case .running: running.remove(old.id)
        case .waiting: break
        case .succeeded, .failed, .cancelled, .skipped, .expired: ended[old.state]?.remove(old.id)
        }
        if old.mayExpire { expiring.remove(old.id) }
        if let scope = old.uniqueScope { unique[scope] = nil }
    }
}
