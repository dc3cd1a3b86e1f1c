import Hummingbird
import ServiceLifecycle
import SpindleCore
import SpindleEngine

extension API {
    static let executionRoutes = [
        Route(
            .get,
            "/v1/executions",
            query: ["state", "type", "job", "createdFrom", "createdBefore", "limit", "cursor"]
        ) { api, call in try await api.list(call) },
        Route(.get, "/v1/executions/{id}") { api, call in
            try await .json(api.body(of: api.id(call)))
        },
        Route(.get, "/v1/executions/{id}/attempts") { api, call in
            let attempts = try await api.engine.reader.attempts(of: api.execution(call).id)
            return try .json(AttemptListBody(attempts: attempts.map { AttemptBody($0) }))
        },
        Route(.get, "/v1/executions/{id}/wait", query: ["timeout"]) { api, call in
            let timeout = try call.duration("timeout") ?? 30_000_000
            let execution = try await api.waitForEnd(api.id(call), microseconds: timeout, call)
            return try .json(
                execution,
                status: execution.state.state.isFinal ? .ok : .accepted,
                headers: [.connection: "close"]
            )
        },
    ]

    private func list(_ call: Call) async throws -> Response {
        var filter = ExecutionFilter()
        for text in call.texts("state") {
            guard let state = ExecutionState(text) else {
                let known = ExecutionState.allCases.map(\.description)
                throw SpindleError(
                    .invalidRequest,
                    "There is no state \"\(text.prefix(64))\". " + NearestName.hint(for: text, among: known)
                )
            }
            filter.states.insert(state)
        }
        filter.type = call.text("type")?.lowercased()
        filter.jobName = call.text("job")
        filter.createdFrom = try call.time("createdFrom")
        filter.createdBefore = try call.time("createdBefore")
        let limit = try call.number("limit", in: 1...1000) ?? 50
        var before: ExecutionID?
        if let cursor = call.text("cursor") {
            guard let id = ExecutionID(cursor) else {
                throw SpindleError(.invalidRequest, "\"cursor\" must be the \"nextCursor\" of the page before.")
            }
            before = id
        }
        let (page, hasMore) = try await page(filter, limit: limit, before: before)
        return try .json(
            ExecutionPageBody(
                executions: page.map { ExecutionBody($0, progress: engine.progress(of: $0.id)) },
                nextCursor: hasMore ? page.last.map { "\($0.id)" } : nil
            )
        )
    }

    /// Bytes of parameters after which a page ends before its limit: neither side has to hold a thousand times 256 KiB.
    private static let pageBytes = 8 * 1024 * 1024

    private func page(
        _ filter: ExecutionFilter,
        limit: Int,
        before cursor: ExecutionID?
    ) async throws -> (page: [Execution], hasMore: Bool) {
        var page: [Execution] = []
        var bytes = 0
        var before = cursor
        while true {
            // One more than asked for tells whether there is another page.
            let wanted = min(limit + 1 - page.count, 100)
            let found = try await engine.reader.executions(filter, limit: wanted, before: before)
            for execution in found {
                if page.count == limit || bytes > Self.pageBytes { return (page, true) }
                page.append(execution)
                bytes += execution.parameters.byteCount
            }
            guard found.count == wanted, let last = found.last else { return (page, false) }
            before = last.id
        }
    }

    /// The execution once it has ended, or as it is when the time is over.
    ///
    /// Ends early if the client goes away. The connection cannot be used again.
    ///
    /// - Throws: `draining` if the host shuts down first.
    func waitForEnd(_ id: ExecutionID, microseconds: Int64, _ call: Call) async throws -> ExecutionBody {
        // A missing execution is told before the connection is given up.
        _ = try await execution(id)
        try await call.request.body.consumeWithCancellationOnInboundClose { _ in
            try await cancelWhenGracefulShutdown {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { _ = try await engine.wait(for: id) }
                    group.addTask { await clock.sleep(microseconds: microseconds) }
                    try await group.next()
                    group.cancelAll()
                }
            }
        }
        return try await body(of: id)
    }
}
