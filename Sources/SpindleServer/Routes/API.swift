import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import SpindleCore
import SpindleEngine

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What every route works on.
struct API: Sendable {
    let engine: JobExecutionEngine
    let plugins: any PluginDirectoryView
    let clock: any AlarmClock
    let settings: ServerSettings
    let logger: Logger

    /// Every route there is; the OpenAPI document is held against this list.
    static let routes: [Route] =
        submissionRoutes + executionRoutes + contentRoutes + controlRoutes + jobRoutes + hostRoutes

    /// The one execution that the path names, by its id or a unique end of it.
    func id(_ call: Call) async throws -> ExecutionID { try await engine.resolve(call["id"]) }

    /// That execution.
    func execution(_ call: Call) async throws -> Execution { try await execution(id(call)) }

    /// The execution of an id.
    func execution(_ id: ExecutionID) async throws -> Execution {
        guard let execution = try await engine.reader.execution(id) else {
            throw SpindleError(.notFound, "There is no execution \(id).")
        }
        return execution
    }

    /// An execution with what only the host knows.
    func body(of id: ExecutionID) async throws -> ExecutionBody {
        let execution = try await execution(id)
        let after = try await engine.reader.dependencies(of: id)
        let progress = execution.state == .running ? engine.progress(of: id) : nil
        return ExecutionBody(execution, progress: progress, after: after.isEmpty ? nil : after)
    }

    /// A new name for a job.
    func newJobID() -> JobID {
        var generator = SystemRandomNumberGenerator()
        return JobID(UUIDv7(milliseconds: clock.now.milliseconds, random: (generator.next(), generator.next())))
    }
}

/// One request on its way through a route.
struct Call: Sendable {
    var request: Request
    let pathValues: [String: String]
    let requestID: String

    /// The value of a name in the route's path; the table of routes makes sure that it is there.
    subscript(_ name: String) -> String { pathValues[name] ?? "" }

    /// A header by its name.
    func header(_ name: String) -> String? {
        guard let name = HTTPField.Name(name) else { return nil }
        return request.headers[name]
    }
}

/// A method and a path with what it does.
struct Route: Sendable {
    let method: HTTPRequest.Method
    /// For instance `/v1/executions/{id}`.
    let path: String
    /// The names that the query may have.
    let query: [String]
    let segments: [Substring]
    let handle: @Sendable (API, Call) async throws -> Response

    init(
        _ method: HTTPRequest.Method,
        _ path: String,
        query: [String] = [],
        _ handle: @escaping @Sendable (API, Call) async throws -> Response
    ) {
        self.method = method
        self.path = path
        self.query = query
        segments = path.split(separator: "/")
        self.handle = handle
    }

    /// The method as text.
    var verb: String { method.rawValue }

    /// The values of the names in the path, if the path is this route's.
    func match(_ given: [Substring]) -> [String: String]? {
        guard given.count == segments.count else { return nil }
        var values: [String: String] = [:]
        for (segment, text) in zip(segments, given) {
            if segment.hasPrefix("{") {
                guard let value = text.percentDecoded else { return nil }
                values[String(segment.dropFirst().dropLast())] = value
            } else if segment != text {
                return nil
            }
        }
        return values
    }
}

extension Substring {
    /// The text with `%XX` read as bytes of UTF-8; nil if that is not possible.
    fileprivate var percentDecoded: String? {
        guard utf8.contains(UInt8(ascii: "%")) else { return String(self) }
        var bytes: [UInt8] = []
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst()?.hexValue, let low = rest.popFirst()?.hexValue else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

extension Response {
    /// A JSON answer.
    static func json(_ body: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) throws -> Response {
        try json(body, status: status, headers: headers, type: "application/json")
    }

    /// The same of JSON that is written already.
    static func json(_ text: JSONText) -> Response {
        Response(
            status: .ok,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: text.bytes))
        )
    }

    static func json(
        _ body: some Encodable,
        status: HTTPResponse.Status,
        headers: HTTPFields,
        type: String
    ) throws -> Response {
        var headers = headers
        headers[.contentType] = type
        let buffer = ByteBuffer(bytes: try JSONEncoder.compact.encode(body))
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: buffer))
    }

    /// Bytes that are somebody else's: browsers must not guess what they are.
    static func raw(_ bytes: [UInt8], contentType: String?) -> Response {
        var headers: HTTPFields = [.contentType: "application/octet-stream", .xContentTypeOptions: "nosniff"]
        if let contentType, HTTPField.isValidValue(contentType) { headers[.contentType] = contentType }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
