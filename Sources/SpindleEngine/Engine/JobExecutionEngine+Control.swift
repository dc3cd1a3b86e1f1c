public import SpindleCore

/// What became of a request to end an execution.
public enum CancelReceipt: Hashable, Sendable {
    /// It did not run, and is `cancelled`.
    case cancelled
    /// It runs, and was asked to end.
    case requested
}

extension JobExecutionEngine {
    /// Waits until an execution has ended.
    ///
    /// - Throws: `notFound`; `interrupted` if the host stops first.
    public func wait(for id: ExecutionID) async throws -> ExecutionEnd {
        // The wait is in place before the state is read: no end is missed.
        let wait = waiters.register(id)
        defer { waiters.forget(wait) }
        guard let execution = try await store.execution(id) else {
            throw SpindleError(.notFound, "There is no execution \(id).")
        }
        if execution.state.isFinal { return try await end(of: execution) }
        return try await wait.end { $0.resolve(.failure(CancellationError())) }
    }

    func end(of execution: Execution) async throws -> ExecutionEnd {
        guard let last = try await store.attempts(of: execution.id).last, let outcome = last.outcome else {
            return ExecutionEnd(state: execution.state, outcome: nil, result: nil)
        }
        let result = ExecutionResult(
            class: Self.resultClass(outcome),
            output: try await store.output(of: execution.id),
            errorCode: last.errorCode,
            errorMessage: last.errorMessage,
            stackTrace: last.stackTrace,
            details: last.details,
            metadata: last.metadata
        )
        return ExecutionEnd(state: execution.state, outcome: outcome, result: result)
    }

    private static func resultClass(_ outcome: AttemptOutcome) -> ExecutionResult.Class {
        switch outcome {
        case .succeeded: .success
        case .failed: .permanent
        case .timedOut: .timedOut
        case .cancelled: .cancelled
        case .crashed: .crashed
        case .interrupted: .interrupted
        case .rejected: .rejected
        }
    }

    /// Asks for the end of an execution.
    ///
    /// - Throws: `notFound`; `conflict` if it has ended.
    @discardableResult
    public func cancel(_ id: ExecutionID) async throws -> CancelReceipt {
        switch try await write([.requestCancel(id, at: clock.now)]).first {
        case .applied:
            ended(id, ExecutionEnd(state: .cancelled, outcome: nil, result: nil))
            return .cancelled
        case .settled(_, let readyTypes, let skipped):
            ended(id, ExecutionEnd(state: .cancelled, outcome: nil, result: nil))
            follow(readyTypes: readyTypes, skipped: skipped)
            return .cancelled
        case .cancelRequested:
            let random = random.next()
            dispatcher.update { machine, now, wall in
                _ = machine.cancel(id, reason: .user, now: now, wall: wall, random: random)
            }
            return .requested
        case .conflict(let state):
            throw SpindleError(.conflict, "The execution \(id.short) is \(state) and cannot be cancelled.")
        case .notFound:
            throw SpindleError(.notFound, "There is no execution \(id).")
        case let other:
            throw SpindleError(.internal, "The store answered a cancel with \(String(describing: other)).")
        }
    }

    /// Queues an ended execution again, or a `retrying` one at once.
    ///
    /// - Parameters:
    ///   - id: An execution that failed, was cancelled, skipped, expired, or waits for its next attempt.
    ///   - extraRetries: Added to its budget; 0 … 1,000. By default the job's own budget once more.
    /// - Throws: `notFound`; `conflict` if it runs, waits or succeeded.
    public func retry(_ id: ExecutionID, extraRetries: Int32? = nil) async throws {
        guard let execution = try await store.execution(id) else {
            throw SpindleError(.notFound, "There is no execution \(id).")
        }
        let extra = extraRetries ?? execution.policy.retry.maxRetries + 1
        guard Limits.retries.contains(extra) || extraRetries == nil else {
            throw SpindleError(.invalidRequest, "\"extraRetries\" is \(extra); 0 to 1000 is allowed.")
        }
        switch try await write([.retryNow(id, extraRetries: extra, at: clock.now)]).first {
        case .ready(let type): workIsReady(type)
        case .conflict(let state):
            throw SpindleError(.conflict, "The execution \(id.short) is \(state) and cannot be retried.")
        case .notFound: throw SpindleError(.notFound, "There is no execution \(id).")
        case let other: throw SpindleError(.internal, "The store answered a retry with \(String(describing: other)).")
        }
    }

    /// Adds or replaces a stored job by its name.
    ///
    /// - Returns: The job as stored: a known name keeps its id.
    /// - Throws: `invalidRequest` if something is out of bounds or the name is missing.
    @discardableResult
    public func saveJob(_ job: Job) async throws -> Job {
        try SubmissionCheck.check(job)
        guard let name = job.name else { throw SpindleError(.invalidRequest, "A stored job needs a \"name\".") }
        var job = job
        if let known = try await store.job(named: name) { job.id = known.id }
        _ = try await store.apply([.upsertJob(job, at: clock.now)])
        return job
    }

    /// Removes a stored job; work already queued is not changed.
    ///
    /// - Throws: `notFound`.
    public func removeJob(named name: String) async throws {
        if case .notFound? = try await store.apply([.removeJob(name: name)]).first {
            throw SpindleError(.notFound, "There is no job \"\(name)\".")
        }
    }

    /// The one execution that a full id, or a unique prefix or suffix of its digits, names.
    ///
    /// - Throws: `notFound`, `ambiguous`.
    public func resolve(_ text: String) async throws -> ExecutionID {
        if let id = ExecutionID(text) { return id }
        let digits = text.lowercased().filter { $0 != "-" }
        guard digits.count >= 4, digits.utf8.allSatisfy({ $0.hexValue != nil }) else {
            throw SpindleError(.invalidRequest, "\"\(text.prefix(64))\" is not an execution id: give at least four of its digits.")
        }
        let found = try await store.executions(matching: digits)
        guard let first = found.first else { throw SpindleError(.notFound, "There is no execution \"\(text)\".") }
        guard found.count == 1 else {
            throw SpindleError(.ambiguous, "\"\(text)\" fits \(found.count) executions; give more digits.")
        }
        return first
    }

    /// How far a running execution says it is.
    public func progress(of id: ExecutionID) -> Progress? { progressBoard.progress(of: id) }

    func workIsReady(_ type: String) {
        dispatcher.update { machine, _, _ in machine.workIsReady(type: type) }
    }

    /// An execution is final, and that is committed.
    func ended(_ id: ExecutionID, _ end: ExecutionEnd) {
        logs.ended(id)
        waiters.ended(id, end)
    }

    /// What a commit set free.
    func follow(readyTypes: [String], skipped: [ExecutionID]) {
        if !readyTypes.isEmpty {
            dispatcher.update { machine, _, _ in
                for type in readyTypes { machine.workIsReady(type: type) }
            }
        }
        for id in skipped { ended(id, ExecutionEnd(state: .skipped, outcome: nil, result: nil)) }
    }
}
