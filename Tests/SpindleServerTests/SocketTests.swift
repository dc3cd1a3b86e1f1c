import Logging
import SpindleCore
import SpindleEngine
import SpindleServer
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

@Suite struct SocketTests {
    private static func mode(_ path: String) -> mode_t? {
        var info = stat()
        guard lstat(path, &info) == 0 else { return nil }
        return info.st_mode
    }

    /// Runs a server at a path around `body`.
    private static func listen(
        _ path: String,
        logger: Logger = Logger(label: "test"),
        _ body: @escaping @Sendable () async throws -> Void = {}
    ) async throws {
        let engine = try await JobExecutionEngine.open(
            store: MemoryJobStore(),
            executors: [],
            logs: MemoryLogStore(),
            artefacts: MemoryArtefactStore()
        )
        let listening = Gate()
        let server = SpindleServer(
            engine: engine,
            settings: ServerSettings(address: .unixSocket(path)),
            logger: logger,
            onListening: { listening.open() }
        )
        try await server.run(untilStopped: {
            await withTaskCancellationHandler {
                await listening.wait()
            } onCancel: {
                listening.open()
            }
            try Task.checkCancellation()
            try await body()
        })
    }

    @Test func belongsToItsOwnerAloneAndIsRemoved() async throws {
        try await withDirectory { directory in
            let path = "\(directory)/new/s"
            try await Self.listen(path) {
                #expect(Self.mode(path).map { $0 & 0o777 } == 0o600)
                #expect(Self.mode("\(directory)/new").map { $0 & 0o777 } == 0o700)
                let health = try await SocketClient(path: path).request("GET", "/healthz")
                #expect(health.status == 200)
            }
            #expect(Self.mode(path) == nil)
            // Nothing else may be left behind, or this fails.
            #expect(rmdir("\(directory)/new") == 0)
        }
    }

    @Test func answersWithALoggerThatKeepsNothing() async throws {
        try await withDirectory { directory in
            let path = "\(directory)/s.sock"
            try await Self.listen(path, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) {
                let first = try await SocketClient(path: path).request("GET", "/healthz")
                let second = try await SocketClient(path: path).request("GET", "/healthz")
                #expect(first.status == 200)
                #expect(first.headers["x-request-id"] != nil && first.headers["x-request-id"] != second.headers["x-request-id"])
            }
        }
    }

    @Test func takesThePlaceOfADeadHost() async throws {
        try await withDirectory { directory in
            let path = "\(directory)/s.sock"
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let bound = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            #expect(bound == 0)
            close(descriptor)
            try await Self.listen(path) {
                let health = try await SocketClient(path: path).request("GET", "/healthz")
                #expect(health.status == 200)
            }
        }
    }

    @Test func leavesALivingHostAlone() async throws {
        try await TestHost.run { host in
            await #expect {
                try await Self.listen(host.client.path)
            } throws: {
                ($0 as? SpindleError)?.code == .conflict
            }
            let health = try await host.get("/healthz")
            #expect(health.status == 200)
        }
    }

    @Test func leavesAFileAlone() async throws {
        try await withDirectory { directory in
            let path = "\(directory)/s.sock"
            close(creat(path, 0o600))
            await #expect {
                try await Self.listen(path)
            } throws: {
                ($0 as? SpindleError)?.code == .configuration
            }
            #expect(Self.mode(path).map { $0 & S_IFMT } == S_IFREG)
        }
    }

    @Test func refusesPathsThatCannotBe() async throws {
        try await withDirectory { directory in
            let long = directory + "/" + String(repeating: "x", count: 200)
            for path in [long, "\(directory)/a/b/c"] {
                await #expect {
                    try await Self.listen(path)
                } throws: {
                    ($0 as? SpindleError)?.code == .configuration
                }
            }
            mkdir("\(directory)/new", 0o700)
            chmod("\(directory)/new", 0o777)
            await #expect {
                try await Self.listen("\(directory)/new/s")
            } throws: {
                ($0 as? SpindleError)?.message.contains("Others may write") == true
            }
        }
    }

    @Test func aClientTellsThatNobodyListens() async throws {
        try await withDirectory { directory -> Void in
            await #expect {
                _ = try await SocketClient(path: "\(directory)/s.sock").request("GET", "/healthz")
            } throws: {
                ($0 as? SpindleError)?.code == .storeUnavailable
            }
        }
    }
}
