import HTTPTypes
import Hummingbird
import SpindleCore
import SpindleEngine

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension API {
    static let submissionRoutes = [
        Route(.post, "/v1/executions", query: ["wait"]) { api, call in
            var call = call
            let single = api.settings.maxBody
            let bytes = try await call.bytes(upTo: 4 * single)
            switch try Call.decode(OneOrMany.self, bytes) {
            case .one(let body):
                guard bytes.count <= single else {
                    throw Problem(.contentTooLarge, "bodyTooLarge", "The body is larger than \(single) bytes.")
                }
                return try await api.submit(body, call)
            case .many(let bodies): return try await api.submitBatch(bodies, call)
            }
        },
        Route(.post, "/v1/jobs/{name}/run", query: ["wait"]) { api, call in
            var call = call
            let bytes = try await call.bytes(upTo: api.settings.maxBody)
            // A job that needs nothing more needs no body.
            var body = bytes.isEmpty ? SubmissionBody(job: call["name"]) : try Call.decode(SubmissionBody.self, bytes)
            if let job = body.job, job != call["name"] {
                throw SpindleError(.invalidRequest, "The body names another job than the address.")
            }
            body.job = call["name"]
            return try await api.submit(body, call)
        },
    ]

    private func submit(_ body: SubmissionBody, _ call: Call) async throws -> Response {
        let wait = try call.duration("wait")
        var body = body
        if let key = call.header("idempotency-key") {
            if let other = body.idempotencyKey, other != key {
                throw SpindleError(.invalidRequest, "The header Idempotency-Key and \"idempotencyKey\" differ.")
            }
            body.idempotencyKey = key
        }
        let receipt = try await engine.submit(submission(body, call))
        var headers: HTTPFields = [.location: "/v1/executions/\(receipt.id)"]
        guard let wait else {
            return try .json(ReceiptBody(receipt), status: receipt.created ? .created : .ok, headers: headers)
        }
        let execution = try await waitForEnd(receipt.id, microseconds: wait, call)
        headers[.connection] = "close"
        return try .json(
            ReceiptBody(receipt, execution: execution),
            status: execution.state.state.isFinal ? .ok : .accepted,
            headers: headers
        )
    }

    private func submitBatch(_ bodies: [Result<SubmissionBody, SpindleError>], _ call: Call) async throws -> Response {
        guard (1...Limits.batch).contains(bodies.count) else {
            throw SpindleError(.invalidRequest, "A batch has 1 to \(Limits.batch) submissions; this one has \(bodies.count).")
        }
        if call.header("idempotency-key") != nil {
            throw SpindleError(
                .invalidRequest,
                "A batch takes no Idempotency-Key header: give each submission an \"idempotencyKey\"."
            )
        }
        if call.text("wait") != nil { throw SpindleError(.invalidRequest, "A batch takes no \"wait\".") }
        var entries = [BatchReceiptBody.Entry?](repeating: nil, count: bodies.count)
        var accepted: [(position: Int, submission: Submission)] = []
        for (position, body) in bodies.enumerated() {
            do {
                accepted.append((position, try await submission(body.get(), call)))
            } catch let error as SpindleError where !Self.stopsAll.contains(error.code) {
                entries[position] = Self.refused(error, call)
            }
        }
        if !accepted.isEmpty {
            for (entry, result) in zip(accepted, try await engine.submit(accepted.map(\.submission))) {
                switch result {
                case .success(let receipt): entries[entry.position] = BatchReceiptBody.Entry(receipt: ReceiptBody(receipt))
                case .failure(let error): entries[entry.position] = Self.refused(error, call)
                }
            }
        }
        return .json(BatchReceiptBody(executions: entries.compactMap(\.self)).text)
    }

    /// What is wrong with the store or the host is wrong with the whole batch.
    private static let stopsAll: Set<SpindleError.Code> = [.storeUnavailable, .storeFull, .draining, .internal]

    private static func refused(_ error: SpindleError, _ call: Call) -> BatchReceiptBody.Entry {
        BatchReceiptBody.Entry(problem: Problem(error).body(requestID: nil))
    }

    /// What the engine is asked for.
    private func submission(_ body: SubmissionBody, _ call: Call) async throws -> Submission {
        var job = try await job(of: body)
        if let parameters = body.parameters { job.parameters = job.parameters.merging(parameters.parameters) }
        if let payload = body.payload { job.payload = try payload.payload() }
        if let priority = body.priority { job.priority = priority }
        body.policy?.apply(to: &job)

        var submission = Submission(job, uniqueKey: body.uniqueKey, idempotencyKey: body.idempotencyKey)
        if let text = body.id {
            guard let id = ExecutionID(text) else {
                throw SpindleError(.invalidRequest, "\"id\" must be a UUID of 36 characters.")
            }
            submission.id = id
        }
        submission.runAt = body.runAt?.timestamp
        submission.delay = body.delay?.microseconds
        submission.startBy = body.startBy?.timestamp
        if let after = body.after {
            // Each short id costs a read: refused before, not after.
            guard after.count <= Limits.dependencies else {
                throw SpindleError(
                    .invalidRequest,
                    "\"after\" names \(after.count) executions; at most \(Limits.dependencies) are allowed."
                )
            }
            for parent in after { submission.after.append(Dependency(try await engine.resolve(parent.id), on: parent.on)) }
        }
        // W3C trace context, level 1: anything else is not a trace and must not fail the request.
        if let parent = call.header("traceparent"), parent.utf8.count == 55 {
            submission.traceParent = parent
            submission.traceState = call.header("tracestate").flatMap { $0.utf8.count <= 512 ? $0 : nil }
        }
        return submission
    }

    private func job(of body: SubmissionBody) async throws -> Job {
        guard let name = body.job else {
            return Job(id: newJobID(), executorType: body.type, target: body.target ?? "")
        }
        if body.type != nil || body.target != nil {
            throw SpindleError(.invalidRequest, "Give \"job\" or an inline \"type\" and \"target\", not both.")
        }
        guard let job = try await engine.reader.job(named: name) else {
            throw SpindleError(.notFound, "There is no job \"\(name.prefix(128))\".")
        }
        return job
    }
}

/// One submission, or a batch of which each entry is right or wrong by itself.
private enum OneOrMany: Decodable {
    case one(SubmissionBody)
    case many([Result<SubmissionBody, SpindleError>])

    private enum CodingKeys: String, CodingKey, CaseIterable { case executions }

    /// Reads an entry without making its faults those of the batch.
    private struct Entry: Decodable {
        let result: Result<SubmissionBody, SpindleError>

        init(from decoder: any Decoder) throws {
            do {
                result = .success(try SubmissionBody(from: decoder))
            } catch {
                result = .failure(SpindleError(.invalidRequest, Problem(any: error).detail))
            }
        }
    }

    init(from decoder: any Decoder) throws {
        let isBatch = try? decoder.container(keyedBy: CodingKeys.self).contains(.executions)
        if isBatch == true {
            let container = try decoder.strictContainer(keyedBy: CodingKeys.self, of: "A batch")
            self = .many(try container.decode([Entry].self, forKey: .executions).map(\.result))
        } else {
            self = .one(try SubmissionBody(from: decoder))
        }
    }
}
