package import SpindleCore
package import SpindleServer

/// What the commands ask of a host, over its socket. Where no host runs, the socket is that of a ``PrivateHost``, so that every
/// command is checked and answered by the same code.
package struct HostAccess: Sendable {
    private let client: SocketClient
    /// Whether executions run: the host is a real one.
    package let isHosted: Bool

    /// Talks to the host that listens at a path.
    package init(socket path: String, isHosted: Bool = true) {
        client = SocketClient(path: path)
        self.isHosted = isHosted
    }

    /// Whether a host answers.
    package func answers() async throws -> Bool {
        do {
            return try await client.request("GET", "/healthz").isSuccess
        } catch let error as SpindleError where error.code == .storeUnavailable {
            return false
        }
    }

    // MARK: Executions

    /// Accepts an execution: when this returns it is committed and durable.
    package func submit(_ submission: SubmissionBody) async throws -> ReceiptBody {
        try await client.request("POST", "/v1/executions", json: submission).success(ReceiptBody.self)
    }

    /// An execution by its id, or a unique beginning or end of it.
    package func execution(_ id: String) async throws -> ExecutionBody {
        try await get("/v1/executions/\(Self.escaped(id))")
    }

    /// An execution once it has ended.
    ///
    /// - Parameters:
    ///   - step: Microseconds that one request waits for the end.
    ///   - whileWaiting: Called with the execution at once, and each time a step of the wait is over.
    package func end(
        of id: String,
        step: Int64 = 30_000_000,
        whileWaiting: (ExecutionBody) -> Void = { _ in }
    ) async throws -> ExecutionBody {
        let now = try await execution(id)
        if now.state.state.isFinal { return now }
        whileWaiting(now)
        while true {
            let path = "/v1/executions/\(Self.escaped(id))/wait?timeout=\(DurationText.text(step))"
            let execution: ExecutionBody = try await get(path)
            if execution.state.state.isFinal { return execution }
            try Task.checkCancellation()
            whileWaiting(execution)
        }
    }

    /// A page of executions, newest first.
    package func executions(_ query: ExecutionQuery) async throws -> ExecutionPageBody {
        try await get("/v1/executions?\(query.text)")
    }

    /// Every attempt of an execution.
    package func attempts(of id: String) async throws -> [AttemptBody] {
        let body: AttemptListBody = try await get("/v1/executions/\(Self.escaped(id))/attempts")
        return body.attempts
    }

    /// The files that an execution made.
    package func artefacts(of id: String) async throws -> [ArtefactBody] {
        let body: ArtefactListBody = try await get("/v1/executions/\(Self.escaped(id))/artefacts")
        return body.artefacts
    }

    /// The bytes of one of these files.
    package func artefact(_ file: ArtefactBody, of id: String) async throws -> [UInt8] {
        let path = "/v1/executions/\(Self.escaped(id))/artefacts/\(file.attempt)/\(Self.escaped(file.name))"
        let response = try await client.request("GET", path)
        guard response.isSuccess else { throw response.problem }
        return response.bytes
    }

    /// The output of an execution; nil if it gave none.
    package func output(of id: String) async throws -> Payload? {
        let response = try await client.request("GET", "/v1/executions/\(Self.escaped(id))/output")
        if response.status == 404 { return nil }
        guard response.isSuccess else { throw response.problem }
        return Payload(response.bytes, contentType: response.headers["content-type"])
    }

    /// The log of an execution, a JSON object a line; with `follow` until it ends.
    package func logs(of id: String, after: Int64 = 0, follow: Bool) -> AsyncThrowingStream<[UInt8], any Error> {
        client.lines("/v1/executions/\(Self.escaped(id))/logs?after=\(after)&follow=\(follow)")
    }

    /// Asks for the end of an execution.
    package func cancel(_ id: String) async throws -> CancelReceiptBody {
        try await client.request("POST", "/v1/executions/\(Self.escaped(id))/cancel").success(CancelReceiptBody.self)
    }

    /// Queues an ended execution again, or a retrying one at once.
    package func retry(_ id: String, extraRetries: Int32?) async throws -> ExecutionBody {
        let body = RetryRequestBody(extraRetries: extraRetries)
        return try await client.request("POST", "/v1/executions/\(Self.escaped(id))/retry", json: body)
            .success(ExecutionBody.self)
    }

    // MARK: Jobs

    /// The stored jobs, by name.
    package func jobs() async throws -> [JobBody] {
        let body: JobListBody = try await get("/v1/jobs")
        return body.jobs
    }

    /// A stored job.
    package func job(named name: String) async throws -> JobBody { try await get("/v1/jobs/\(Self.escaped(name))") }

    /// Adds or replaces a stored job.
    package func saveJob(_ job: JobBody, named name: String) async throws -> JobBody {
        try await client.request("PUT", "/v1/jobs/\(Self.escaped(name))", json: job).success(JobBody.self)
    }

    /// Removes a stored job.
    package func removeJob(named name: String) async throws {
        let response = try await client.request("DELETE", "/v1/jobs/\(Self.escaped(name))")
        guard response.isSuccess else { throw response.problem }
    }

    // MARK: Host

    /// The plugins, with what became of each.
    package func plugins() async throws -> [PluginSummary] {
        let body: PluginListBody = try await get("/v1/plugins")
        return body.plugins
    }

    /// Has the host look at the plugin directory now.
    package func reloadPlugins() async throws -> [PluginSummary] {
        try await client.request("POST", "/v1/plugins/reload").success(PluginListBody.self).plugins
    }

    /// All about one plugin; nil if there is none of that name.
    package func plugin(named name: String) async throws -> PluginDetails? {
        let response = try await client.request("GET", "/v1/plugins/\(Self.escaped(name))")
        return response.status == 404 ? nil : try response.success(PluginDetails.self)
    }

    /// Lifts the quarantine of a plugin.
    package func releasePlugin(_ name: String) async throws -> PluginSummary {
        try await client.request("POST", "/v1/plugins/\(Self.escaped(name))/release").success(PluginSummary.self)
    }

    /// How the host does.
    package func status() async throws -> StatusBody { try await get("/v1/status") }

    private func get<Body: Decodable>(_ path: String) async throws -> Body {
        try await client.request("GET", path).success(Body.self)
    }

    /// A name as one segment of a path or as a value of a query (RFC 3986, unreserved).
    static func escaped(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122, 45, 46, 95, 126: result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        // A lone dot or two would be a step in a path, and nothing would be an empty segment.
        return ["", ".", ".."].contains(result) ? "%20" : result
    }
}

/// Which executions to list.
package struct ExecutionQuery: Hashable, Sendable {
    /// Any of these states; empty is every state.
    package var states: [String] = []
    /// This executor type.
    package var type: String?
    /// This stored job.
    package var job: String?
    /// At most so many.
    package var limit = 20
    /// What the page before gave.
    package var cursor: String?

    /// Everything.
    package init() {}

    var text: String {
        var parts = ["limit=\(limit)"] + states.map { "state=\(HostAccess.escaped($0))" }
        if let type { parts.append("type=\(HostAccess.escaped(type))") }
        if let job { parts.append("job=\(HostAccess.escaped(job))") }
        if let cursor { parts.append("cursor=\(HostAccess.escaped(cursor))") }
        return parts.joined(separator: "&")
    }
}
