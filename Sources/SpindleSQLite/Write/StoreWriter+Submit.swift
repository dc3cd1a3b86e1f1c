internal import Crypto
internal import SpindleCore

extension StoreWriter {
    func submit(_ new: NewExecution) throws -> StoreOutcome {
        if let claim = new.idempotency, let known = try findIdempotency(claim, at: new.createdAt) { return known }
        let uniqueHash = StoreRules.uniqueScope(new).map { Array(SHA256.hash(data: Array($0.utf8)).prefix(16)) }
        if let uniqueHash {
            if try stateOf(new.id) != nil { return .existing(new.id) }
            let holder = try prepare(.findUnique)
            holder.add(uniqueHash)
            defer { holder.end() }
            if try holder.step() { return .existing(holder.execution(0)) }
        }
        let dependencies = StoreRules.parents(new)
        if !dependencies.isEmpty, try stateOf(new.id) != nil { return .existing(new.id) }
        var met: [Bool] = []
        var isSkipped = false
        for dependency in dependencies {
            guard let state = try stateOf(dependency.parent) else { return .unknownParent(dependency.parent) }
            met.append(state.isFinal && dependency.on.isMet(by: state))
            if state.isFinal && !dependency.on.isMet(by: state) { isSkipped = true }
        }
        let pending = met.count { !$0 }
        let claim = try new.claim.flatMap { claim throws(SQLiteFailure) in try lease() == claim ? claim : nil }
        let state =
            isSkipped
            ? .skipped : StoreRules.initialState(new, pendingParents: pending, leaseHolds: claim != nil)
        guard try insert(new, state: state, pending: pending, claim: claim, uniqueHash: uniqueHash) else {
            return .existing(new.id)
        }
        for (dependency, isMet) in zip(dependencies, met) { try add(dependency, of: new.id, isMet: isMet) }
        if let claim = new.idempotency { try keep(claim, for: new.id) }
        count(nil, state, type: new.executorType, at: new.createdAt)
        if state == .running { claims.remember(new.id, type: new.executorType) }
        return .submitted(new.id, state: state)
    }

    /// Adds the row; false if the id is taken.
    private func insert(
        _ new: NewExecution,
        state: ExecutionState,
        pending: Int,
        claim: HostLease?,
        uniqueHash: [UInt8]?
    ) throws -> Bool {
        let definition = try id(of: Definition(jobName: new.job.name, policy: new.policy))
        var flags: RowFlags = []
        if new.job.payload != nil { flags.insert(.payload) }
        let parameters = new.job.parameters.isEmpty ? nil : ParametersCoding.encode(new.job.parameters)
        if let parameters, parameters.count > ParametersCoding.inlineLimit { flags.insert(.parameters) }
        let isRunning = state == .running

        let row = try prepare(.insertExecution)
        row.add(new.id)
        row.add(new.job.id.uuid)
        row.add(definition)
        row.add(new.executorType)
        row.add(new.job.target)
        row.add(flags.contains(.parameters) ? nil : parameters)
        row.add(Int64(state.rawValue))
        row.add(new.job.priority)
        row.add(new.rank)
        row.add(state == .scheduled || state == .waiting ? new.runAt : nil)
        row.add(new.startBy)
        row.add(new.createdAt)
        row.add(state == .skipped ? new.createdAt : nil)
        row.add(isRunning ? Int64(1) : 0)
        row.add(flags.rawValue)
        row.add(isRunning ? claim?.epoch : nil)
        row.add(isRunning ? claim?.epoch : nil)
        row.add(state == .waiting ? Int64(pending) : 0)
        row.add(new.job.concurrencyKey)
        row.add(uniqueHash)
        row.add(new.traceParent)
        row.add(new.traceState)
        try row.run()
        guard changes == 1 else { return false }
        if let payload = new.job.payload {
            try putBlob(.payload, of: new.id, payload.bytes, contentType: payload.contentType)
        }
        if let parameters, flags.contains(.parameters) {
            try putBlob(.parameters, of: new.id, parameters, contentType: nil)
        }
        return true
    }

    func putBlob(_ kind: BlobKind, of id: ExecutionID, _ bytes: [UInt8], contentType: String?) throws(SQLiteFailure) {
        let row = try prepare(.putBlob)
        row.add(id)
        row.add(kind.rawValue)
        row.add(contentType)
        row.add(bytes)
        try row.run()
    }

    /// The state of an execution, if there is one.
    func stateOf(_ id: ExecutionID) throws(SQLiteFailure) -> ExecutionState? {
        let row = try prepare(.readState)
        row.add(id)
        guard try row.step() else { return nil }
        defer { row.end() }
        return row.state(0)
    }

    private func add(_ dependency: Dependency, of child: ExecutionID, isMet: Bool) throws(SQLiteFailure) {
        let row = try prepare(.insertDependency)
        row.add(child)
        row.add(dependency.parent)
        row.add(dependency.on.number)
        row.add(isMet ? Int64(1) : 0)
        try row.run()
        let parent = try prepare(.markParent)
        parent.add(dependency.parent)
        try parent.run()
    }

    private func findIdempotency(_ claim: IdempotencyClaim, at: Timestamp) throws(SQLiteFailure) -> StoreOutcome? {
        let row = try prepare(.findIdempotency)
        row.add(claim.principal)
        row.add(claim.key)
        row.add(at)
        guard try row.step() else { return nil }
        defer { row.end() }
        let id = row.execution(1)
        return row.bytes(0) == claim.bodyHash ? .existing(id) : .idempotencyMismatch(id)
    }

    private func keep(_ claim: IdempotencyClaim, for id: ExecutionID) throws(SQLiteFailure) {
        let row = try prepare(.keepIdempotency)
        row.add(claim.principal)
        row.add(claim.key)
        row.add(claim.bodyHash)
        row.add(id)
        row.add(claim.expiresAt)
        try row.run()
    }
}
