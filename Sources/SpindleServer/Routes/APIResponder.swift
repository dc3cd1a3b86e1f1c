import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import SpindleCore

/// Finds the route of a request, and turns whatever goes wrong into a problem body.
struct APIResponder: HTTPResponder {
    typealias Context = BasicRequestContext

    let api: API
    let logger: Logger

    func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        let began = api.clock.monotonic
        // Not `context.id`: it is taken from the logger and is not there if that keeps no metadata, as an embedding program's may.
        let id = "\(RequestID())"
        var response: Response
        do {
            response = try await answer(request, id)
        } catch {
            response = try Problem.response(error, requestID: id, logger: logger)
        }
        if let name = HTTPField.Name("x-request-id") { response.headers[name] = id }
        if request.method == .head { response = response.createHeadResponse() }
        let status = response.status.code
        logger.debug(
            "\(request.method) \(request.uri.path) \(status)",
            metadata: ["request": "\(id)", "microseconds": "\(api.clock.monotonic - began)"]
        )
        return response
    }

    private func answer(_ request: Request, _ id: String) async throws -> Response {
        let given = request.uri.path.split(separator: "/")
        let method = request.method == .head ? .get : request.method
        var allowed: [String] = []
        for route in API.routes {
            guard let values = route.match(given) else { continue }
            guard route.method == method else {
                allowed.append(route.method.rawValue)
                continue
            }
            let call = Call(request: request, pathValues: values, requestID: id)
            try call.checkQuery(route.query)
            return try await route.handle(api, call)
        }
        throw allowed.isEmpty
            ? Problem(.notFound, "notFound", "There is nothing at \(request.uri.path.prefix(200)).")
            : Problem(
                .methodNotAllowed,
                "methodNotAllowed",
                "\(request.method.rawValue.prefix(32)) is not possible here; \(allowed.joined(separator: ", ")) is.",
                headers: [.allow: allowed.joined(separator: ", ")]
            )
    }
}

/// What goes wrong in HTTP itself, and the map from the engine's errors to statuses.
struct Problem: Error {
    let status: HTTPResponse.Status
    let code: String
    let detail: String
    let headers: HTTPFields

    init(_ status: HTTPResponse.Status, _ code: String, _ detail: String, headers: HTTPFields = [:]) {
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers
    }

    init(_ error: SpindleError) {
        let status: HTTPResponse.Status
        switch error.code {
        case .invalidRequest: status = .badRequest
        case .noExecutor, .idempotencyMismatch: status = .unprocessableContent
        case .denied: status = .forbidden
        case .notFound: status = .notFound
        case .ambiguous, .conflict: status = .conflict
        case .draining, .interrupted, .storeUnavailable: status = .serviceUnavailable
        case .storeFull: status = HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")
        default: status = .internalServerError
        }
        // Clients that wait for a restart need not hammer; a full disk does not mend itself so soon.
        let isPassing = status == .serviceUnavailable
        self.init(status, error.code.name, error.message, headers: isPassing ? [.retryAfter: "5"] : [:])
    }

    /// The problem of any error.
    init(any error: any Error) {
        switch error {
        case let problem as Problem: self = problem
        case let error as SpindleError: self.init(error)
        case let error as DecodingError: self.init(SpindleError(.invalidRequest, error.sentence))
        case is NIOTooManyBytesError:
            self.init(.contentTooLarge, "bodyTooLarge", "The body is too large.")
        case is CancellationError:
            self.init(SpindleError(.draining, "The host is shutting down; ask again when it is back."))
        default:
            self.init(SpindleError(.internal, "Something went wrong in Spindle itself; its log has more under this request's id."))
        }
    }

    /// The same as a body.
    func body(requestID: String?) -> ProblemBody {
        ProblemBody(
            status: Int(status.code),
            title: status.reasonPhrase,
            code: code,
            detail: detail,
            requestId: requestID
        )
    }

    static func response(_ error: any Error, requestID: String, logger: Logger) throws -> Response {
        let problem = Problem(any: error)
        // What the store cannot do at the moment is in the log once, and not once for each request that it concerns.
        if problem.status.code >= 500 && problem.status != .serviceUnavailable && problem.code != SpindleError.Code.storeFull.name {
            let details = (error as? SpindleError)?.details ?? "\(error)"
            logger.error("a request failed: \(problem.detail)", metadata: ["request": "\(requestID)", "details": "\(details)"])
        }
        return try .json(
            problem.body(requestID: requestID),
            status: problem.status,
            headers: problem.headers,
            type: "application/problem+json"
        )
    }
}

extension DecodingError {
    /// The error in a sentence for the writer of the body.
    fileprivate var sentence: String {
        func place(_ path: [any CodingKey]) -> String {
            var text = ""
            for key in path {
                if let index = key.intValue {
                    text += "[\(index)]"
                } else {
                    text += (text.isEmpty ? "" : ".") + key.stringValue.prefix(64)
                }
            }
            return text.isEmpty ? "The body" : "\"\(text)\""
        }
        switch self {
        case .typeMismatch(let type, let context): return "\(place(context.codingPath)) must be \(Self.name(of: type))."
        case .valueNotFound(let type, let context):
            return "\(place(context.codingPath)) is null; it must be \(Self.name(of: type))."
        case .keyNotFound(let key, let context): return "\(place(context.codingPath + [key])) is missing."
        case .dataCorrupted(let context):
            return context.codingPath.isEmpty ? "The body is not JSON." : "\(place(context.codingPath)) cannot be read."
        @unknown default: return "The body cannot be read."
        }
    }

    private static func name(of type: Any.Type) -> String {
        switch type {
        case is String.Type: "text"
        case is Bool.Type: "true or false"
        case is any BinaryInteger.Type, is any BinaryFloatingPoint.Type: "a number"
        case is [Any].Type: "a list"
        default: "an object"
        }
    }
}
