import Glibc
import Synchronization
import TestSupport
import Testing

/// A small HTTP server for examples and checks: one thread a connection, one request a connection, on a free loopback port.
final class ExampleServer: Sendable {
    struct Request: Sendable {
        let method: String
        let path: String
        /// Names in lower case.
        let headers: [String: String]
        let body: String
    }

    struct Response: Sendable {
        var status = 200
        var body = ""
        var headers: [String: String] = [:]
    }

    /// Answers a request; may block. `connection` ends when the client goes away: ``waitForEnd(of:)``.
    typealias Handler = @Sendable (_ request: Request, _ connection: Int32) -> Response

    /// Such as `http://127.0.0.1:40123`.
    let url: String
    private let listener: Int32
    private let handler: Handler
    private let log = Mutex<[Request]>([])

    init(_ handler: @escaping Handler) throws {
        self.handler = handler
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && listen(listener, 64) == 0 && getsockname(listener, $0, &size) == 0
            }
        }
        try #require(isListening, "no loopback port")
        url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
        BlockingThread.start { self.accept() }
    }

    /// Ends it: the thread that accepts sees the shutdown.
    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    /// Every request so far.
    var requests: [Request] { log.withLock { $0 } }

    /// Blocks until the client has gone away.
    static func waitForEnd(of connection: Int32) {
        var buffer = [UInt8](repeating: 0, count: 256)
        while Glibc.read(connection, &buffer, buffer.count) > 0 {}
    }

    private func accept() {
        while true {
            let connection = Glibc.accept(listener, nil, nil)
            if connection < 0 && (errno == EINTR || errno == ECONNABORTED) { continue }
            if connection < 0 { break }
            // A program that another test starts just now may get a copy: its length, not its end, ends a response.
            _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
            BlockingThread.start { self.serve(connection) }
        }
        close(listener)
    }

    private func serve(_ connection: Int32) {
        defer { close(connection) }
        guard let request = Self.read(connection) else { return }
        log.withLock { $0.append(request) }
        let response = handler(request, connection)
        var text = "HTTP/1.1 \(response.status) Status\r\nConnection: close\r\nContent-Length: \(response.body.utf8.count)\r\n"
        for (name, value) in response.headers { text += "\(name): \(value)\r\n" }
        let bytes = Array((text + "\r\n" + (request.method == "HEAD" ? "" : response.body)).utf8)
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                send(connection, buffer.baseAddress.map { $0 + written }, bytes.count - written, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            written += count
        }
    }

    private static func read(_ connection: Int32) -> Request? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            if let end = Self.endOfHead(bytes), let request = parse(bytes, end) { return request }
            let count = Glibc.read(connection, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return nil }
            bytes += buffer.prefix(count)
        }
    }

    private static func endOfHead(_ bytes: [UInt8]) -> Int? {
        bytes.indices.first { bytes[$0...].starts(with: [13, 10, 13, 10]) }.map { $0 + 4 }
    }

    /// The request; nil as long as its body is not whole.
    private static func parse(_ bytes: [UInt8], _ end: Int) -> Request? {
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count == 3 else { return nil }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " }) }
        }
        let body = bytes[end...]
        guard body.count >= headers["content-length"].flatMap({ Int($0) }) ?? 0 else { return nil }
        return Request(
            method: String(words[0]),
            path: String(words[1]),
            headers: headers,
            body: String(decoding: body, as: UTF8.self)
        )
    }
}
