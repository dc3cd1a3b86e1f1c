internal import SpindleCore

/// How a reader sees a row of `executions`.
enum ExecutionRow {
    static let select = """
        SELECT e.id, e.job, d.job_name, e.type, e.target, e.parameters, e.state, e.priority, d.body, e.concurrency_key,
            e.created_at, e.run_at, e.start_by, e.started_at, e.finished_at, e.cancel_at, e.attempt, e.failures,
            e.crashes, e.losses, e.extra_retries, e.pending_parents, e.last_outcome, e.error_code, e.error, e.flags, e.ran_on
        FROM executions e JOIN definitions d ON d.id = e.definition
        """

    /// Reads the current row of a statement that begins with ``select``.
    static func read(_ row: RawStatement, _ blobs: RawStatement) throws -> Execution {
        let id = row.execution(0)
        var execution = Execution(
            id: id,
            jobID: JobID(row.uuid(1)),
            jobName: row.text(2),
            executorType: row.text(3) ?? "",
            target: row.text(4) ?? "",
            parameters: try parameters(row, of: id, blobs),
            state: row.state(6),
            priority: row.int32(7),
            policy: try StoredJSON.value(StoredPolicy.self, row.text(8) ?? "").policy,
            concurrencyKey: row.text(9),
            createdAt: row.timestamp(10)
        )
        execution.runAt = row.optionalTimestamp(11)
        execution.startBy = row.optionalTimestamp(12)
        execution.startedAt = row.optionalTimestamp(13)
        execution.finishedAt = row.optionalTimestamp(14)
        execution.cancelRequestedAt = row.optionalTimestamp(15)
        execution.attempt = row.int32(16)
        execution.failures = row.int32(17)
        execution.crashes = row.int32(18)
        execution.losses = row.int32(19)
        execution.extraRetries = row.int32(20)
        execution.pendingParents = row.int32(21)
        execution.lastOutcome = row.optionalInt(22).flatMap { AttemptOutcome(rawValue: UInt8(truncatingIfNeeded: $0)) }
        execution.errorCode = row.text(23)
        execution.error = row.text(24)
        return execution
    }

    private static func parameters(_ row: RawStatement, of id: ExecutionID, _ blobs: RawStatement) throws -> Parameters {
        let decoded: Parameters?
        if RowFlags(rawValue: row.int(25)).contains(.parameters) {
            decoded = try blob(.parameters, of: id, blobs).flatMap { blob in
                blob.bytes.withUnsafeBytes { ParametersCoding.decode($0) }
            }
        } else {
            decoded = row.withBytes(5) { ParametersCoding.decode($0) }
        }
        guard let decoded else {
            throw SpindleError(.storeUnavailable, "The store is damaged: the parameters of \(id) cannot be read.")
        }
        return decoded
    }

    /// Reads one blob with a statement of ``Statement/readBlob``.
    static func blob(_ kind: BlobKind, of id: ExecutionID, _ statement: RawStatement) throws -> Payload? {
        statement.begin()
        statement.add(id)
        statement.add(kind.rawValue)
        guard try statement.step() else { return nil }
        defer { statement.end() }
        return Payload(statement.bytes(1) ?? [], contentType: statement.text(0))
    }
}
