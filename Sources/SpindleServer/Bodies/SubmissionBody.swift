public import SpindleCore
public import SpindleEngine

/// A request to run a job once, in JSON: a stored job by name, or an inline one.
public struct SubmissionBody: Codable, Hashable, Sendable {
    /// The name of a stored job; then `type` and `target` are its own.
    public var job: String?
    /// The executor type; left out, the target decides.
    public var type: String?
    /// What the executor acts on.
    public var target: String?
    /// Names and values; added to those of a stored job.
    public var parameters: ParametersBody?
    /// Bytes; replaces those of a stored job.
    public var payload: PayloadBody?
    /// Wins over the policy of a stored job, key by key.
    public var policy: PolicyBody?
    /// −100 … 100.
    public var priority: Int32?
    /// The execution's id (36 characters) if the client supplies it.
    public var id: String?
    /// Not before this moment.
    public var runAt: TimeBody?
    /// Not before so long from now.
    public var delay: DurationBody?
    /// If not started by this moment, the execution expires.
    public var startBy: TimeBody?
    /// At most one execution with this key and type (or job) is in a state that is not final.
    public var uniqueKey: String?
    /// In a batch what the header `Idempotency-Key` is for a single submission.
    public var idempotencyKey: String?
    /// Executions that must end first.
    public var after: [DependencyBody]?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case job, type, target, parameters, payload, policy, priority, id, runAt, delay, startBy, uniqueKey, idempotencyKey
        case after
    }

    /// Asks for an inline job.
    public init(type: String? = nil, target: String? = nil) {
        self.type = type
        self.target = target
    }

    /// Asks for a stored job.
    public init(job: String) { self.job = job }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.strictContainer(keyedBy: CodingKeys.self, of: "A submission")
        job = try container.decodeIfPresent(String.self, forKey: .job)
        type = try container.decodeIfPresent(String.self, forKey: .type)
        target = try container.decodeIfPresent(String.self, forKey: .target)
        parameters = try container.decodeIfPresent(ParametersBody.self, forKey: .parameters)
        payload = try container.decodeIfPresent(PayloadBody.self, forKey: .payload)
        policy = try container.decodeIfPresent(PolicyBody.self, forKey: .policy)
        priority = try container.wholeNumber(.priority, in: Limits.priority)
        id = try container.decodeIfPresent(String.self, forKey: .id)
        runAt = try container.decodeIfPresent(TimeBody.self, forKey: .runAt)
        delay = try container.duration(.delay, in: Limits.delay)
        startBy = try container.decodeIfPresent(TimeBody.self, forKey: .startBy)
        uniqueKey = try container.decodeIfPresent(String.self, forKey: .uniqueKey)
        idempotencyKey = try container.decodeIfPresent(String.self, forKey: .idempotencyKey)
        after = try container.decodeIfPresent([DependencyBody].self, forKey: .after)
    }
}

/// Up to 1,000 submissions in JSON; each is accepted or refused by itself.
public struct SubmissionBatchBody: Codable, Sendable {
    /// What to run.
    public var executions: [SubmissionBody]

    /// Asks for executions.
    public init(executions: [SubmissionBody]) { self.executions = executions }
}

/// What became of a submission, in JSON.
public struct ReceiptBody: Codable, Hashable, Sendable {
    /// The execution.
    public var id: String
    /// The last eight digits of its id.
    public var shortId: String
    /// False if a unique or idempotency key led to an existing execution.
    public var created: Bool
    /// The execution as it is at the end of the wait; only if `wait` was asked for.
    public var execution: ExecutionBody?

    /// Says what became of a submission.
    public init(_ receipt: SubmissionReceipt, execution: ExecutionBody? = nil) {
        id = "\(receipt.id)"
        shortId = receipt.id.short
        created = receipt.created
        self.execution = execution
    }
}

/// What became of each submission of a batch, in their order.
public struct BatchReceiptBody: Codable, Sendable {
    /// One entry: a receipt or a problem.
    public struct Entry: Codable, Sendable {
        /// Set if it was accepted.
        public var receipt: ReceiptBody?
        /// Set if it was refused.
        public var problem: ProblemBody?

        /// Says what became of one.
        public init(receipt: ReceiptBody? = nil, problem: ProblemBody? = nil) {
            self.receipt = receipt
            self.problem = problem
        }
    }

    /// In the order of the submissions.
    public var executions: [Entry]

    /// Says what became of a batch.
    public init(executions: [Entry]) { self.executions = executions }
}

/// A request to try again, in JSON.
public struct RetryRequestBody: Codable, Sendable {
    /// Added to the budget; left out, the job's own budget once more.
    public var extraRetries: Int32?

    enum CodingKeys: String, CodingKey, CaseIterable { case extraRetries }

    /// Asks to try again.
    public init(extraRetries: Int32? = nil) { self.extraRetries = extraRetries }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.strictContainer(keyedBy: CodingKeys.self, of: "A retry")
        extraRetries = try container.wholeNumber(.extraRetries, in: Limits.retries)
    }
}

/// What became of a request to end an execution, in JSON.
public struct CancelReceiptBody: Codable, Hashable, Sendable {
    /// The execution.
    public var id: String
    /// `cancelled`: it did not run and is over; `requested`: it runs and was asked to end.
    public var result: String

    /// Says what became of it.
    public init(id: ExecutionID, _ receipt: CancelReceipt) {
        self.id = "\(id)"
        result = receipt == .cancelled ? "cancelled" : "requested"
    }
}
