import Logging
public import SpindleCore

extension JobExecutionEngine: SubmissionTaker {
    /// Runs a stored job once and waits for its end, through all retries: the main entry point.
    ///
    /// Cancelling the awaiting task cancels the execution.
    ///
    /// - Parameters:
    ///   - jobID: A stored definition.
    ///   - parameters: Added to those of the definition; of a repeated name these win.
    /// - Returns: The result of the last attempt.
    /// - Throws: `notFound`, the errors of ``submit(_:)-(Submission)``, or `interrupted` if the host stops first: the execution survives.
    public func execute(jobID: JobID, parameters: Parameters = Parameters()) async throws -> ExecutionResult {
        guard var job = try await store.jobs().first(where: { $0.id == jobID }) else {
            throw SpindleError(.notFound, "There is no job \(jobID).")
        }
        job.parameters = job.parameters.merging(parameters)
        return try await execute(Submission(job))
    }

    /// Submits a job and waits for its end, through all retries.
    ///
    /// - Throws: As ``execute(jobID:parameters:)``.
    public func execute(_ submission: Submission) async throws -> ExecutionResult {
        let end = try await executeToEnd(submission)
        return end.result ?? Self.resultWithoutAttempt(end.state)
    }

    /// The same with the final state.
    public func executeToEnd(_ submission: Submission) async throws -> ExecutionEnd {
        var submission = submission
        let id = submission.id ?? ExecutionID(makeUUID())
        submission.id = id
        // The wait is in place first: an execution may end before its submission returns.
        let wait = waiters.register(id)
        defer { waiters.forget(wait) }
        let receipt = try await submit(submission)
        guard receipt.created else { return try await self.wait(for: receipt.id) }
        // Only now: before the commit there would be nothing to cancel.
        return try await wait.end { _ in Task { try await self.cancel(id) } }
    }

    /// Accepts an execution: when this returns it is committed and durable.
    ///
    /// - Throws: `invalidRequest`, `noExecutor`, `denied`, `idempotencyMismatch`, `notFound` (a parent), `draining`: nothing was stored.
    ///   `storeUnavailable`, `storeFull`: it is not known whether it was stored; the same id may be submitted again.
    @discardableResult
    public func submit(_ submission: Submission) async throws -> SubmissionReceipt {
        try await submit([submission])[0].get()
    }

    /// Accepts executions in one commit; each is refused on its own.
    ///
    /// - Parameter batch: At most 1,000.
    /// - Throws: `draining`, `storeUnavailable`, `storeFull`, for the batch as a whole.
    public func submit(_ batch: [Submission]) async throws -> [Result<SubmissionReceipt, SpindleError>] {
        guard batch.count <= Limits.batch else {
            throw SpindleError(.invalidRequest, "A batch has \(batch.count) submissions; at most \(Limits.batch) are allowed.")
        }
        guard !shutdown.isOpen else {
            throw Self.draining
        }
        var answers: [Result<SubmissionReceipt, SpindleError>?] = Array(repeating: nil, count: batch.count)
        var accepted: [(position: Int, execution: NewExecution)] = []
        accepted.reserveCapacity(batch.count)
        let now = clock.now
        for (position, submission) in batch.enumerated() {
            do throws(SpindleError) {
                // Routing may take its time.
                if shutdown.isOpen { throw Self.draining }
                accepted.append((position, try await newExecution(submission, now: now)))
            } catch {
                answers[position] = .failure(error)
            }
        }
        if !accepted.isEmpty {
            let outcomes = try await insert(&accepted)
            for (entry, outcome) in zip(accepted, outcomes) {
                answers[entry.position] = Self.answer(entry.execution, outcome)
            }
        }
        return answers.map { $0 ?? .failure(SpindleError(.internal, "The store gave no answer.")) }
    }

    private static let draining = SpindleError(
        .draining,
        "The host is shutting down and takes no new work; submit again in a moment."
    )

    private func newExecution(_ submission: Submission, now: Timestamp) async throws(SpindleError) -> NewExecution {
        try SubmissionCheck.check(submission, now: now)
        let descriptor: ExecutorDescriptor
        if let known = try router.routeByName(submission.job) {
            descriptor = known
        } else {
            descriptor = try await router.route(submission.job)
        }
        if let allowed = submission.allowedTypes, !allowed.contains(descriptor.type) {
            let known = allowed.sorted().joined(separator: ", ")
            throw SpindleError(
                .denied,
                "A job of type \(descriptor.type) may not be submitted from there; allowed: \(known.isEmpty ? "none" : known)."
            )
        }
        if let violation = descriptor.parametersSchema?.violation(in: submission.job.parameters) {
            let name = violation.pointer.dropFirst().prefix(200)
            let place = name.isEmpty ? "The parameters" : "The parameter \"\(name)\""
            let end = violation.message.hasSuffix("?") ? "" : "."
            throw SpindleError(.invalidRequest, "\(place) of \(descriptor.type) \(violation.message.prefix(1000))\(end)")
        }
        var policy = submission.job.policy.applied(to: descriptor.policy.applied(to: configuration.defaultPolicy))
        if let most = descriptor.maxTimeout { policy.timeout = min(policy.timeout, most) }
        if let most = descriptor.maxRetriesCap { policy.retry.maxRetries = min(policy.retry.maxRetries, most) }
        var execution = NewExecution(
            id: submission.id ?? ExecutionID(makeUUID()),
            job: submission.job,
            executorType: descriptor.type,
            policy: policy,
            createdAt: now
        )
        if let runAt = submission.runAt ?? submission.delay.map({ now.advanced(byMicroseconds: $0) }), runAt > now {
            execution.runAt = runAt
        }
        execution.startBy = submission.startBy
        execution.uniqueKey = submission.uniqueKey
        execution.after = submission.after
        execution.traceParent = submission.traceParent
        execution.traceState = submission.traceState
        if let key = submission.idempotencyKey {
            execution.idempotency = IdempotencyClaim(
                principal: submission.principal,
                key: key,
                bodyHash: SubmissionHash.hash(submission),
                expiresAt: now.advanced(byMicroseconds: 86_400_000_000)
            )
        }
        return execution
    }

    /// Inserts executions, those that find a free slot already claimed, and lets them start.
    private func insert(
        _ accepted: inout [(position: Int, execution: NewExecution)]
    ) async throws -> [StoreOutcome] {
        var admitted: [Int: Int] = [:]
        dispatcher.update { [lease] machine, _, _ in
            for index in accepted.indices {
                let execution = accepted[index].execution
                guard execution.runAt == nil, execution.after.isEmpty else { continue }
                // Too late already: it is stored, where it expires.
                if let startBy = execution.startBy, startBy <= execution.createdAt { continue }
                let type = machine.index(ofType: execution.executorType)
                let job = execution.job
                if machine.admit(
                    type: type,
                    concurrencyKey: job.concurrencyKey,
                    keyLimit: execution.policy.concurrencyKeyLimit
                ) {
                    accepted[index].execution.claim = lease
                    admitted[index] = type
                }
            }
        }
        let entries = accepted
        do {
            let outcomes = try await store.apply(entries.map { .submit($0.execution) })
            if health.storeWorks(isSubmission: true) { logger.notice("the store works again") }
            dispatcher.update { machine, _, _ in
                for (index, outcome) in outcomes.enumerated() {
                    let execution = entries[index].execution
                    if case .submitted(_, .running) = outcome, let type = admitted[index] {
                        machine.admitted(Self.claimed(execution), type: type)
                        continue
                    }
                    if let type = admitted[index] { machine.admissionFailed(type: type) }
                    if case .submitted(_, .queued) = outcome { machine.workIsReady(type: execution.executorType) }
                }
            }
            for entry in entries {
                if let runAt = entry.execution.runAt { promotion.consider(runAt) }
                if let startBy = entry.execution.startBy { promotion.consider(startBy) }
            }
            return outcomes
        } catch {
            dispatcher.update { machine, _, _ in
                for type in admitted.values { machine.admissionFailed(type: type) }
            }
            storeFailed(error)
            throw error
        }
    }

    private static func claimed(_ execution: NewExecution) -> ClaimedExecution {
        let job = execution.job
        let request = AttemptRequest(
            key: AttemptKey(execution.id, 1),
            jobID: job.id,
            jobName: job.name,
            executorType: execution.executorType,
            target: job.target,
            parameters: job.parameters,
            payload: job.payload,
            policy: execution.policy,
            failures: 0,
            maxFailures: execution.policy.retry.maxRetries + 1,
            concurrencyKey: job.concurrencyKey,
            traceParent: execution.traceParent,
            traceState: execution.traceState
        )
        return ClaimedExecution(request: request, rank: execution.rank)
    }

    private static func answer(
        _ execution: NewExecution,
        _ outcome: StoreOutcome
    ) -> Result<SubmissionReceipt, SpindleError> {
        switch outcome {
        case .submitted(let id, _):
            return .success(SubmissionReceipt(id: id, created: true))
        case .existing(let id):
            return .success(SubmissionReceipt(id: id, created: false))
        case .idempotencyMismatch(let id):
            return .failure(
                SpindleError(
                    .idempotencyMismatch,
                    "The idempotency key was used within the last 24 h for another submission (execution \(id)); use a new key."
                )
            )
        case .unknownParent(let id):
            return .failure(SpindleError(.notFound, "There is no execution \(id) to wait for."))
        default:
            return .failure(SpindleError(.internal, "The store answered a submission with \(outcome)."))
        }
    }

    static func resultWithoutAttempt(_ state: ExecutionState) -> ExecutionResult {
        state == .cancelled
            ? ExecutionResult(class: .cancelled, errorCode: "spindle.cancelled", errorMessage: "Cancelled before it started.")
            : .permanent("The execution ended as \(state) without an attempt.", code: "spindle.\(state)")
    }
}
