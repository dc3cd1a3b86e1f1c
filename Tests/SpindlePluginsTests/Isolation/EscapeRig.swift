import Glibc
import SpindleCore
import Testing

@testable import SpindlePlugins

/// The plugin that tries to get out, and what it tries to reach: all of it ours, so that reaching it does no harm.
final class EscapeRig: Sendable {
    let workspace: Workspace
    /// A server of TCP on the loopback device.
    let tcp: Listener
    /// One of UDP, at the same port.
    let udp: Listener
    /// One of the abstract Unix sockets.
    let abstract: Listener
    /// A process of the host's user.
    let victim: pid_t

    init() throws {
        workspace = try Workspace()
        try workspace.compile("escape", as: "escape")
        tcp = try Listener.tcp()
        udp = try Listener.udp(port: tcp.port)
        abstract = try Listener.abstract()
        var pid: pid_t = 0
        let words: [UnsafeMutablePointer<CChar>?] = [strdup("sleep"), strdup("3600"), nil]
        defer { for word in words { free(word) } }
        try #require(posix_spawnp(&pid, "sleep", nil, nil, words, nil) == 0)
        victim = pid
        // What a store is: a file of the host's that only it may read.
        try workspace.write("a job of somebody's", to: "../state/store.db", mode: 0o600)
    }

    deinit {
        kill(victim, SIGKILL)
        var status: Int32 = 0
        while waitpid(victim, &status, 0) < 0 && errno == EINTR {}
    }

    /// Loads the plugin with a sidecar and runs the body.
    func with(
        _ sidecar: String,
        without: SandboxLayers = [],
        _ body: (Rig) async throws -> Void
    ) async throws {
        try workspace.write(sidecar, to: "escape.yaml")
        try await Rig.with(workspace, without: without) { rig in
            let listing = try #require(rig.host.listings.first)
            try #require(listing.status == .serving, "\(listing.reason ?? "")")
            try await body(rig)
        }
    }

    /// Expects a try to find that; "refused" is any error.
    func expect(
        _ expected: String,
        _ rig: Rig,
        _ name: String,
        _ more: Parameters = Parameters(),
        at place: SourceLocation = #_sourceLocation
    ) async throws {
        let found = try await attempt(rig, name, more)
        let fits = expected == "refused" ? found.hasPrefix("E") : found == expected
        #expect(fits, "\(name) \(more): \(found)", sourceLocation: place)
    }

    /// What a try found: "reached", or the name of an error.
    func attempt(_ rig: Rig, _ name: String, _ more: Parameters = Parameters()) async throws -> String {
        var parameters: Parameters = ["port": "\(tcp.port)", "name": abstract.name, "pid": "\(victim)"]
        parameters["path"] = "/etc/shadow"
        for entry in more.entries { parameters[entry.name] = entry.value }
        let seen = try await rig.run(rig.request("escape", name, parameters: parameters))
        return seen.result?.resultData ?? seen.result?.errorCode ?? "nothing"
    }
}

/// A socket that is there; who comes is not answered.
final class Listener: Sendable {
    let descriptor: Descriptor
    let port: UInt16
    let name: String

    private init(_ descriptor: Descriptor, port: UInt16 = 0, name: String = "") {
        self.descriptor = descriptor
        self.port = port
        self.name = name
    }

    // At a port of its own, and at a given one.
    static func tcp() throws -> Listener { try make(Int32(SOCK_STREAM.rawValue), port: 0) }
    static func udp(port: UInt16) throws -> Listener { try make(Int32(SOCK_DGRAM.rawValue), port: port) }

    private static func make(_ type: Int32, port: UInt16) throws -> Listener {
        let number = socket(AF_INET, type | Int32(SOCK_CLOEXEC.rawValue), 0)
        try #require(number >= 0)
        let descriptor = Descriptor(number)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = port.bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(number, pointer, size) == 0 && (type == Int32(SOCK_DGRAM.rawValue) || listen(number, 64) == 0)
                    && getsockname(number, pointer, &size) == 0
            }
        }
        try #require(status)
        return Listener(descriptor, port: UInt16(bigEndian: address.sin_port))
    }

    static func abstract() throws -> Listener {
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        try #require(number >= 0)
        let descriptor = Descriptor(number)
        let name = "spindle-test-\(getpid())-\(number)"
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { bytes in bytes[1...].copyBytes(from: Array(name.utf8)) }
        let size = socklen_t(MemoryLayout<sa_family_t>.size + 1 + name.utf8.count)
        let status = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(number, $0, size) == 0 && listen(number, 64) == 0 }
        }
        try #require(status)
        return Listener(descriptor, name: name)
    }
}
