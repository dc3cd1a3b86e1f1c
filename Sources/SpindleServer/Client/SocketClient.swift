import NIOCore
import NIOHTTP1
import NIOPosix
import SpindleCore

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What a host answered.
public struct SocketResponse: Sendable {
    /// The HTTP status.
    public let status: Int
    /// Names in lower case; of a repeated header the last value.
    public let headers: [String: String]
    /// The body.
    public let bytes: [UInt8]

    /// Whether the status is 2xx.
    public var isSuccess: Bool { (200..<300).contains(status) }

    /// Reads the body; keys that this build does not know are ignored.
    public func decode<Body: Decodable>(_ type: Body.Type) throws -> Body {
        let decoder = JSONDecoder()
        decoder.userInfo[.acceptsUnknownKeys] = true
        return try decoder.decode(type, from: Data(bytes))
    }

    /// Reads the body of a success.
    ///
    /// - Throws: The ``ProblemBody`` of any other answer.
    public func success<Body: Decodable>(_ type: Body.Type) throws -> Body {
        guard isSuccess else { throw problem }
        return try decode(type)
    }

    /// The problem that this answer tells of.
    public var problem: ProblemBody {
        if let problem = try? decode(ProblemBody.self) { return problem }
        let text = String(decoding: bytes.prefix(1000), as: UTF8.self)
        return ProblemBody(
            status: status,
            title: "HTTP \(status)",
            code: "internal",
            detail: "The host answered \(status). \(text)"
        )
    }
}

/// Speaks HTTP/1.1 to a host over its Unix socket: one connection for each request.
public struct SocketClient: Sendable {
    /// The path of the socket.
    public let path: String
    /// The largest body that is accepted as an answer.
    private static let maxAnswer = 64 * 1024 * 1024

    /// Talks to the host that listens at a path.
    public init(path: String) { self.path = path }

    /// Sends a request and reads the whole answer.
    ///
    /// - Parameters:
    ///   - method: For instance `POST`.
    ///   - path: The path with the query, percent-encoded.
    ///   - headers: Added to those that HTTP needs.
    ///   - body: Bytes of the body; nil for none.
    /// - Throws: `storeUnavailable` if no host listens at the path or it goes away, `internal` if its answer is too large.
    public func request(
        _ method: String,
        _ path: String,
        headers: [(String, String)] = [],
        body: [UInt8]? = nil
    ) async throws -> SocketResponse {
        var head: HTTPResponseHead?
        var bytes: [UInt8] = []
        try await exchange(method, path, headers: headers, body: body) { part in
            switch part {
            case .head(let received): head = received
            case .body(let buffer):
                guard bytes.count + buffer.readableBytes <= Self.maxAnswer else {
                    throw SpindleError(.internal, "The host's answer is larger than 64 MiB.")
                }
                bytes.append(contentsOf: buffer.readableBytesView)
            case .end: return false
            }
            return true
        }
        return try Self.response(head, bytes)
    }

    /// The same with a value as the JSON body.
    public func request(
        _ method: String,
        _ path: String,
        headers: [(String, String)] = [],
        json: some Encodable
    ) async throws -> SocketResponse {
        try await request(
            method,
            path,
            headers: headers + [("content-type", "application/json")],
            body: [UInt8](JSONEncoder.compact.encode(json))
        )
    }

    /// Sends a GET request and hands on the lines of the answer as they come.
    ///
    /// Ending the iteration closes the connection. Any status but 2xx ends it with a ``ProblemBody``.
    public func lines(_ path: String, headers: [(String, String)] = []) -> AsyncThrowingStream<[UInt8], any Error> {
        AsyncThrowingStream { continuation in
            let task = Task {
                do {
                    var head: HTTPResponseHead?
                    var rest: [UInt8] = []
                    try await exchange("GET", path, headers: headers, body: nil) { part in
                        switch part {
                        case .head(let received): head = received
                        case .body(let buffer):
                            rest.append(contentsOf: buffer.readableBytesView)
                            if head?.status.code ?? 0 < 300 { Self.split(&rest) { continuation.yield($0) } }
                        case .end: return false
                        }
                        return true
                    }
                    let response = try Self.response(head, rest)
                    guard response.isSuccess else { throw response.problem }
                    if !rest.isEmpty { continuation.yield(rest) }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private static func split(_ bytes: inout [UInt8], _ take: ([UInt8]) -> Void) {
        var start = 0
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            take(Array(bytes[start..<end]))
            start = end + 1
        }
        bytes.removeFirst(start)
    }

    private static func response(_ head: HTTPResponseHead?, _ bytes: [UInt8]) throws -> SocketResponse {
        guard let head else {
            throw SpindleError(.storeUnavailable, "The host closed the connection without an answer: it stopped, or was stopped.")
        }
        let headers = Dictionary(head.headers.map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { $1 })
        return SocketResponse(status: Int(head.status.code), headers: headers, bytes: bytes)
    }

    /// One connection, one request, and every part of its answer until `receive` says that it is enough.
    private func exchange(
        _ method: String,
        _ path: String,
        headers: [(String, String)],
        body: [UInt8]?,
        receive: (HTTPClientResponsePart) throws -> Bool
    ) async throws {
        let channel = try await connect()
        try await channel.executeThenClose { inbound, outbound in
            var head = HTTPRequestHead(version: .http1_1, method: HTTPMethod(rawValue: method), uri: path)
            head.headers.add(name: "host", value: "localhost")
            head.headers.add(name: "connection", value: "close")
            for (name, value) in headers { head.headers.add(name: name, value: value) }
            if let body { head.headers.add(name: "content-length", value: "\(body.count)") }
            do {
                try await outbound.write(.head(head))
                if let body, !body.isEmpty { try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: body)))) }
                try await outbound.write(.end(nil))
            } catch is ChannelError {
                // The host may answer and close before it has read the whole body (413): its answer still counts.
            } catch is IOError {
                // The same.
            }
            do {
                for try await part in inbound where try !receive(part) { break }
            } catch let error as IOError {
                throw gone(error)
            } catch let error as ChannelError {
                throw gone(error)
            }
        }
    }

    private func gone(_ error: any Error) -> SpindleError {
        SpindleError(
            .storeUnavailable,
            "The host at \(path) closed the connection before it had answered: it stopped, or was stopped.",
            details: "\(error)"
        )
    }

    private func connect() async throws -> NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart> {
        do {
            return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(unixDomainSocketPath: path) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        return try NIOAsyncChannel(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            throw SpindleError(
                .storeUnavailable,
                "No host answers at \(path); start one with \"spindle serve\".",
                details: "\(error)"
            )
        }
    }
}
