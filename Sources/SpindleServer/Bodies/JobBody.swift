public import SpindleCore

/// A stored definition in JSON.
public struct JobBody: Codable, Hashable, Sendable {
    /// Its name for ever; given by the host, ignored in requests.
    public var id: String?
    /// The operator's name; in a request it must be that of the address, or be left out.
    public var name: String?
    /// The executor type; left out, the target decides.
    public var type: String?
    /// What the executor acts on.
    public var target: String
    /// Names and values for the executor.
    public var parameters: ParametersBody?
    /// Bytes for the executor.
    public var payload: PayloadBody?
    /// What this job sets of its policy.
    public var policy: PolicyBody?
    /// −100 … 100.
    public var priority: Int32?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case id, name, type, target, parameters, payload, policy, priority
    }

    /// Describes a definition.
    public init(name: String? = nil, type: String? = nil, target: String = "") {
        self.name = name
        self.type = type
        self.target = target
    }

    /// Shows a definition.
    ///
    /// - Parameter hasPayload: Whether with its payload; a list of all has none.
    public init(_ job: Job, hasPayload: Bool = true) {
        id = "\(job.id)"
        name = job.name
        type = job.executorType
        target = job.target
        parameters = job.parameters.isEmpty ? nil : ParametersBody(job.parameters)
        payload = hasPayload ? job.payload.map { PayloadBody($0) } : nil
        let policy = PolicyBody(job.policy, concurrencyKey: job.concurrencyKey)
        self.policy = policy == PolicyBody() ? nil : policy
        priority = job.priority
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.strictContainer(keyedBy: CodingKeys.self, of: "A job")
        id = try container.decodeIfPresent(String.self, forKey: .id)
        name = try container.decodeIfPresent(String.self, forKey: .name)
        type = try container.decodeIfPresent(String.self, forKey: .type)
        target = try container.decodeIfPresent(String.self, forKey: .target) ?? ""
        parameters = try container.decodeIfPresent(ParametersBody.self, forKey: .parameters)
        payload = try container.decodeIfPresent(PayloadBody.self, forKey: .payload)
        policy = try container.decodeIfPresent(PolicyBody.self, forKey: .policy)
        priority = try container.wholeNumber(.priority, in: Limits.priority)
    }

    /// The definition under a name.
    ///
    /// - Parameters:
    ///   - id: Used if the name is new.
    ///   - name: Its name.
    /// - Throws: `invalidRequest`.
    public func job(id: JobID, name: String) throws(SpindleError) -> Job {
        if let given = self.name, given != name {
            throw SpindleError(
                .invalidRequest,
                "The body names the job \"\(given.prefix(128))\", the address \"\(name.prefix(128))\"."
            )
        }
        var job = Job(id: id, name: name, executorType: type, target: target, priority: priority ?? 0)
        job.parameters = parameters?.parameters ?? Parameters()
        job.payload = try payload?.payload()
        policy?.apply(to: &job)
        return job
    }
}

/// The stored definitions in JSON.
public struct JobListBody: Codable, Sendable {
    /// By name.
    public var jobs: [JobBody]

    /// Lists definitions.
    public init(jobs: [JobBody]) { self.jobs = jobs }
}
