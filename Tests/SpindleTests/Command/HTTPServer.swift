import Glibc
import TestSupport
import Testing

/// The server of `Tests/http`, which misbehaves on demand, on a free port of the loopback; it ends with the object.
final class HTTPServer: Sendable {
    let port: UInt16
    private let process: pid_t
    private let input: Int32

    init() async throws {
        let root = #filePath.split(separator: "/").dropLast(4).map { "/\($0)" }.joined()
        var input: [Int32] = [-1, -1]
        var output: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        try #require(socketpair(AF_UNIX, kind, 0, &input) == 0 && socketpair(AF_UNIX, kind, 0, &output) == 0)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input[1], 0)
        posix_spawn_file_actions_adddup2(&actions, output[1], 1)
        let program: [String] = ["python3", "\(root)/Tests/http/server.py"]
        var words: [UnsafeMutablePointer<CChar>?] = program.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        let result = posix_spawnp(&process, "python3", &actions, nil, &words, environ)
        close(input[1])
        close(output[1])
        self.input = input[0]
        self.process = process
        guard result == 0 else {
            close(output[0])
            close(input[0])
            throw ServerError(description: "python3: \(String(cString: strerror(result)))")
        }
        let text = await Self.read(output[0], until: "\n")
        guard let port = UInt16(text.prefix { $0.isNumber }) else {
            throw ServerError(description: "the server said \"\(text)\" and no port")
        }
        self.port = port
    }

    deinit {
        // It ends when its input does.
        close(input)
        let process = process
        BlockingThread.start { while waitpid(process, nil, 0) < 0 && errno == EINTR {} }
    }

    struct ServerError: Error, CustomStringConvertible { let description: String }

    func url(_ path: String) -> String { "http://127.0.0.1:\(port)\(path)" }

    /// Waits until so many of the requests that it does not answer have come.
    func waitForRequests(_ count: Int) async throws { _ = try await get("/hangs/open_hangs/\(count)") }

    /// Waits until the client has given up every request that came and was not answered.
    func waitUntilAllAreGivenUp() async throws {
        let seen = try await get("/seen")
        let open = try #require(
            seen.split(separator: "\"open_hangs\": ").last.flatMap { Int($0.prefix { $0.isNumber }) },
            "\(seen)"
        )
        _ = try await get("/hangs/closed_hangs/\(open)")
    }

    private func get(_ path: String) async throws -> String {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        try #require(descriptor >= 0)
        var address = Self.loopback(port)
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(connected == 0)
        let request = "GET \(path) HTTP/1.1\r\nHost: test\r\n\r\n"
        try #require(write(descriptor, request, request.utf8.count) == request.utf8.count)
        let answer = await Self.read(descriptor, until: "}")
        try #require(answer.hasPrefix("HTTP/1.1 200"), "\(answer)")
        return answer
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        return address
    }

    /// What comes up to a character or the end; then closes it.
    private static func read(_ descriptor: Int32, until last: Character) async -> String {
        await withCheckedContinuation { continuation in
            BlockingThread.start {
                var text = ""
                var buffer = [UInt8](repeating: 0, count: 4096)
                while !text.contains(last) {
                    let count = Glibc.read(descriptor, &buffer, buffer.count)
                    if count < 0 && errno == EINTR { continue }
                    if count <= 0 { break }
                    text += String(decoding: buffer.prefix(count), as: UTF8.self)
                }
                close(descriptor)
                continuation.resume(returning: text)
            }
        }
    }

    /// A port of the loopback that is taken and where nobody listens, as long as the object lives.
    final class ClosedPort: Sendable {
        let number: UInt16
        private let descriptor: Int32

        init() throws {
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            var address = HTTPServer.loopback(0)
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let descriptor = descriptor
            let bound = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
                }
            }
            number = UInt16(bigEndian: address.sin_port)
            try #require(bound)
        }

        deinit { close(descriptor) }
    }
}
