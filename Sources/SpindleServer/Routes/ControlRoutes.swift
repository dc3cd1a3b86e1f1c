import HTTPTypes
import Hummingbird
import SpindleCore
import SpindleEngine

extension API {
    static let controlRoutes = [
        Route(.post, "/v1/executions/{id}/cancel") { api, call in
            let id = try await api.id(call)
            let receipt = try await api.engine.cancel(id)
            return try .json(CancelReceiptBody(id: id, receipt), status: receipt == .cancelled ? .ok : .accepted)
        },
        Route(.post, "/v1/executions/{id}/retry") { api, call in
            var call = call
            let bytes = try await call.bytes(upTo: api.settings.maxBody)
            let body = bytes.isEmpty ? RetryRequestBody() : try Call.decode(RetryRequestBody.self, bytes)
            let id = try await api.id(call)
            try await api.engine.retry(id, extraRetries: body.extraRetries)
            return try await .json(api.body(of: id), status: .accepted)
        },
    ]

    static let jobRoutes = [
        Route(.get, "/v1/jobs") { api, _ in
            try await .json(JobListBody(jobs: api.engine.reader.jobs().map { JobBody($0, hasPayload: false) }))
        },
        Route(.get, "/v1/jobs/{name}") { api, call in
            guard let job = try await api.engine.reader.job(named: call["name"]) else {
                throw SpindleError(.notFound, "There is no job \"\(call["name"].prefix(128))\".")
            }
            return try .json(JobBody(job))
        },
        Route(.put, "/v1/jobs/{name}") { api, call in
            var call = call
            let body = try await call.json(JobBody.self, upTo: api.settings.maxBody)
            let isNew = try await api.engine.reader.job(named: call["name"]) == nil
            let job = try await api.engine.saveJob(body.job(id: api.newJobID(), name: call["name"]))
            return try .json(JobBody(job), status: isNew ? .created : .ok)
        },
        Route(.delete, "/v1/jobs/{name}") { api, call in
            try await api.engine.removeJob(named: call["name"])
            return Response(status: .noContent)
        },
    ]

    static let hostRoutes = [
        Route(.get, "/v1/plugins") { api, _ in
            try .json(PluginListBody(plugins: await api.plugins.listings()))
        },
        Route(.post, "/v1/plugins/reload") { api, _ in
            try .json(PluginListBody(plugins: try await api.plugins.reload()))
        },
        Route(.get, "/v1/plugins/{name}") { api, call in
            guard let details = await api.plugins.inspect(call["name"]) else {
                throw SpindleError(.notFound, "There is no plugin \"\(call["name"].prefix(128))\".")
            }
            return try .json(details)
        },
        Route(.post, "/v1/plugins/{name}/release") { api, call in
            try await .json(api.plugins.release(call["name"]))
        },
        Route(.get, "/v1/executors") { api, _ in
            try .json(ExecutorListBody(executors: api.engine.executors.map { ExecutorBody($0) }))
        },
        Route(.get, "/v1/status") { api, _ in
            let status = api.engine.status
            let counts = try await api.engine.reader.stateCounts()
            let quarantined = await api.plugins.listings().filter { $0.state == "quarantined" }
            return try .json(
                StatusBody(
                    version: api.settings.version,
                    running: status.running,
                    slots: status.slots,
                    ready: status.ready,
                    lingering: status.lingering,
                    isDraining: status.isDraining,
                    storeProblem: status.storeProblem?.message,
                    quarantined: quarantined.isEmpty
                        ? nil : Dictionary(quarantined.map { ($0.name, $0.reason ?? "") }, uniquingKeysWith: { $1 }),
                    executions: Dictionary(counts.map { ($0.key.description, $0.value) }, uniquingKeysWith: { $1 })
                )
            )
        },
        // Alive: says nothing about the store, or a full disk would get the host killed again and again.
        Route(.get, "/healthz") { _, _ in try .json(HealthBody(status: "ok")) },
        Route(.get, "/readyz") { api, _ in
            let status = api.engine.status
            let problem = status.isDraining ? "draining" : status.storeProblem?.code.name
            return try .json(
                HealthBody(status: problem ?? "ok"),
                status: problem == nil ? .ok : .serviceUnavailable
            )
        },
    ]
}
