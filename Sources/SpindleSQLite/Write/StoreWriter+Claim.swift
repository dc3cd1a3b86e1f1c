internal import SpindleCore

extension StoreWriter {
    func claim(_ type: String, limit: Int, lease: HostLease, at: Timestamp) throws -> StoreOutcome {
        guard try self.lease() == lease else { return .stale }
        let row = try prepare(.claim)
        row.add(lease.epoch)
        row.add(lease.epoch)
        row.add(type)
        row.add(at)
        row.add(Int64(limit))
        var claimed: [ClaimedExecution] = []
        claimed.reserveCapacity(min(limit, 1024))
        while try row.step() { claimed.append(try self.claimed(row, type: type)) }
        guard !claimed.isEmpty else { return .claimed([]) }
        count(.queued, .running, type: type, at: at, by: Int64(claimed.count))
        // The rows of UPDATE … RETURNING come in no promised order.
        claimed.sort { ($0.rank, $0.request.key.execution) < ($1.rank, $1.request.key.execution) }
        return .claimed(claimed)
    }

    private func claimed(_ row: RawStatement, type: String) throws -> ClaimedExecution {
        let id = row.execution(0)
        claims.remember(id, type: type)
        let definition = try definition(row.int(2))
        let flags = RowFlags(rawValue: row.int(10))
        let request = AttemptRequest(
            key: AttemptKey(id, row.int32(6)),
            jobID: JobID(row.uuid(1)),
            jobName: definition.jobName,
            executorType: type,
            target: row.text(3) ?? "",
            parameters: try parameters(row, 4, of: id, flags),
            payload: flags.contains(.payload) ? try blob(.payload, of: id) : nil,
            policy: definition.policy,
            failures: row.int32(7),
            maxFailures: StoreRules.maxFailures(definition.policy, extraRetries: row.int32(11)),
            isSuspect: flags.contains(.suspect),
            concurrencyKey: row.text(12),
            checkpoint: flags.contains(.checkpoint) ? try checkpointBytes(of: id) : nil,
            traceParent: row.text(13),
            traceState: row.text(14)
        )
        return ClaimedExecution(request: request, rank: row.int(5), crashes: row.int32(8), losses: row.int32(9))
    }

    private func parameters(
        _ row: RawStatement,
        _ column: Int32,
        of id: ExecutionID,
        _ flags: RowFlags
    ) throws -> Parameters {
        let decoded =
            flags.contains(.parameters)
            ? try blob(.parameters, of: id)?.bytes.withUnsafeBytes { ParametersCoding.decode($0) }
            : row.withBytes(column) { ParametersCoding.decode($0) }
        guard let decoded else {
            throw SpindleError(.storeUnavailable, "The store is damaged: the parameters of \(id) cannot be read.")
        }
        return decoded
    }

    func blob(_ kind: BlobKind, of id: ExecutionID) throws(SQLiteFailure) -> Payload? {
        let row = try prepare(.readBlob)
        row.add(id)
        row.add(kind.rawValue)
        guard try row.step() else { return nil }
        defer { row.end() }
        return Payload(row.bytes(1) ?? [], contentType: row.text(0))
    }

    private func checkpointBytes(of id: ExecutionID) throws(SQLiteFailure) -> [UInt8]? {
        let row = try prepare(.readCheckpoint)
        row.add(id)
        guard try row.step() else { return nil }
        defer { row.end() }
        return row.bytes(0)
    }
}
