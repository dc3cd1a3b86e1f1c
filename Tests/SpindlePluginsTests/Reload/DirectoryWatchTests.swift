import Glibc
import Logging
import SpindleCore
import Testing

@testable import SpindlePlugins

@Suite(.timeLimit(.minutes(5)))
struct DirectoryWatchTests {
    private func watch(_ path: String, _ body: (inout AsyncStream<Void>.AsyncIterator) async throws -> Void) async throws {
        let clock = SystemClock()
        let loop = try HostLoop(clock: clock)
        defer { loop.stop() }
        let binary = try WorkerBinary(configured: Workspace.worker)
        let services = PluginServices(
            loop: loop,
            spawner: try Spawner(binary: binary),
            clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            hostVersion: "1",
            sandbox: SandboxSupport(binary: binary, without: [])
        )
        defer { services.spawner.stop() }
        let changes = AsyncStream<Void>.makeStream()
        let watch = try DirectoryWatch(path, quiet: 20_000, services: services) { changes.continuation.yield() }
        watch.start()
        var iterator = changes.stream.makeAsyncIterator()
        // The first one comes by itself.
        if access(path, F_OK) == 0 { await iterator.next() }
        try await body(&iterator)
        watch.stop()
    }

    @Test func tellsOfFilesThatComeChangeAndGo() async throws {
        let workspace = try Workspace()
        try await watch(workspace.plugins) { changes in
            try workspace.write("a", to: "x.yaml")
            await changes.next()
            try #require(rename("\(workspace.plugins)/x.yaml", "\(workspace.path)/x.yaml") == 0)
            await changes.next()
            try #require(rename("\(workspace.path)/x.yaml", "\(workspace.plugins)/y.yaml") == 0)
            await changes.next()
            try #require(chmod("\(workspace.plugins)/y.yaml", 0o600) == 0)
            await changes.next()
            try #require(unlink("\(workspace.plugins)/y.yaml") == 0)
            await changes.next()
        }
    }

    @Test func looksForADirectoryThatIsMissing() async throws {
        let workspace = try Workspace()
        let path = "\(workspace.path)/later"
        try await watch(path) { changes in
            try #require(mkdir(path, 0o755) == 0)
            await changes.next()
            try #require(rmdir(path) == 0)
            await changes.next()
            try #require(mkdir(path, 0o755) == 0)
            await changes.next()
            let file = open("\(path)/a.so", O_CREAT | O_WRONLY | O_CLOEXEC, 0o644)
            try #require(file >= 0)
            close(file)
            await changes.next()
        }
    }
}
