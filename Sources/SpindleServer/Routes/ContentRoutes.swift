import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle
import SpindleCore
import SpindleEngine

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension API {
    static let contentRoutes = [
        Route(.get, "/v1/executions/{id}/logs", query: ["follow", "after"]) { api, call in
            let id = try await api.execution(call).id
            let after = try call.number("after", in: 0...Int64.max) ?? 0
            return try api.logs(of: id, after: after, follow: call.flag("follow"), call)
        },
        Route(.get, "/v1/executions/{id}/output") { api, call in
            let id = try await api.execution(call).id
            guard let output = try await api.engine.reader.output(of: id) else {
                throw SpindleError(.notFound, "The execution \(id.short) has no output.")
            }
            return .raw(output.bytes, contentType: output.contentType)
        },
        Route(.get, "/v1/executions/{id}/payload") { api, call in
            let id = try await api.execution(call).id
            guard let payload = try await api.engine.reader.payload(of: id) else {
                throw SpindleError(.notFound, "The execution \(id.short) has no payload.")
            }
            return .raw(payload.bytes, contentType: payload.contentType)
        },
        Route(.get, "/v1/executions/{id}/artefacts") { api, call in
            let artefacts = try await api.engine.artefactStore.artefacts(of: api.execution(call).id)
            return try .json(ArtefactListBody(artefacts: artefacts.map { ArtefactBody($0) }))
        },
        Route(.get, "/v1/executions/{id}/artefacts/{attempt}/{name}") { api, call in
            let id = try await api.execution(call).id
            // Only what the store lists is read: no name from outside ever becomes a path.
            let artefacts = try await api.engine.artefactStore.artefacts(of: id)
            guard let artefact = artefacts.first(where: { "\($0.key.attempt)" == call["attempt"] && $0.name == call["name"] })
            else { throw SpindleError(.notFound, "The execution \(id.short) has no such artefact.") }
            return .raw(try await api.engine.artefactStore.read(artefact.key, name: artefact.name), contentType: nil)
        },
    ]

    private func logs(of id: ExecutionID, after: Int64, follow: Bool, _ call: Call) throws -> Response {
        let body = call.request.body
        var headers: HTTPFields = [.contentType: "application/x-ndjson"]
        if follow { headers[.connection] = "close" }
        return Response(
            status: .ok,
            headers: headers,
            body: ResponseBody { writer in
                var output = LogOutput(logs: engine.logs, id: id, last: after, writer: writer)
                if follow {
                    // Registered before the stored lines are read, so that no line falls between.
                    let lines = try await engine.logs.follow(id)
                    let (left, leave) = AsyncStream<Void>.makeStream()
                    let source = merged(lines, until: left)
                    try await body.consumeWithInboundCloseHandler { _ in
                        try await output.writeStored()
                        for await record in source.cancelOnGracefulShutdown() { try await output.write(record) }
                        try await output.writeStored()
                    } onInboundClosed: {
                        leave.finish()
                    }
                } else {
                    try await output.writeStored()
                }
                try await output.finish()
            }
        )
    }

    /// The lines until the second stream ends: a client that goes away must not be kept until the next line.
    private func merged(_ lines: AsyncStream<LogRecord>, until left: AsyncStream<Void>) -> AsyncStream<LogRecord> {
        let (stream, continuation) = AsyncStream<LogRecord>.makeStream(bufferingPolicy: .bufferingOldest(10_000))
        let forward = Task {
            for await line in lines { continuation.yield(line) }
            continuation.finish()
        }
        let watch = Task {
            for await _ in left {}
            continuation.finish()
        }
        continuation.onTermination = { _ in
            forward.cancel()
            watch.cancel()
        }
        return stream
    }
}

/// Writes the lines of a log in order and each once.
private struct LogOutput {
    let logs: LogHub
    let id: ExecutionID
    /// The sequence of the last line written.
    var last: Int64
    var writer: any ResponseBodyWriter

    /// Everything that is stored and not written yet.
    mutating func writeStored() async throws {
        while true {
            let records = try await logs.records(of: id, after: last, limit: 1000)
            var buffer = ByteBuffer()
            for record in records { try append(record, to: &buffer) }
            if buffer.readableBytes > 0 { try await writer.write(buffer) }
            if records.count < 1000 { return }
        }
    }

    /// A line that has just come. Lines in between that a slow reader missed are taken from the store.
    mutating func write(_ record: LogRecord) async throws {
        guard record.sequence > last else { return }
        let isFirstOfAttempt = record.sequence == Int64(record.key.attempt) << 32 + 1
        if record.sequence != last + 1 && !isFirstOfAttempt {
            try await writeStored()
            return
        }
        var buffer = ByteBuffer()
        try append(record, to: &buffer)
        try await writer.write(buffer)
    }

    private mutating func append(_ record: LogRecord, to buffer: inout ByteBuffer) throws {
        buffer.writeBytes(try JSONEncoder.compact.encode(LogLineBody(record)))
        buffer.writeInteger(UInt8(ascii: "\n"))
        last = record.sequence
    }

    consuming func finish() async throws { try await writer.finish(nil) }
}
