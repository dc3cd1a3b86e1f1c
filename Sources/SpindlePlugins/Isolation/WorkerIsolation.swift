import Glibc
import SpindleCore
import SpindleWire
import Synchronization

/// What surrounds the workers of an executor.
struct WorkerIsolation: Sendable {
    var layers: SandboxLayers
    var grants = EffectiveGrants()
    /// The user that they run as; nil keeps the host's.
    var user: UInt32?
    /// Directories of libraries that the plugin was linked with.
    var libraries: [String] = []
    /// Seconds of processor time in a worker's life; 0 is no limit.
    var cpuSeconds: Int64 = 0
    var groups = ControlGroups()

    private static let started = Atomic<UInt64>(0)

    /// Whether a start has to ask a name server.
    var hasNames: Bool {
        guard case .list(let endpoints) = grants.net else { return false }
        return endpoints.contains { NetAddress($0.host) == nil }
    }

    /// What the next worker is told. Blocks as long as a name server does if ``hasNames``.
    ///
    /// - Throws: ``SpindleError`` if a name of the network cannot be used.
    func setup() throws(SpindleError) -> SandboxSetup {
        var setup = SandboxSetup(isolation: self)
        if case .list(let endpoints) = grants.net { setup.relays = try NetResolver.relays(endpoints) }
        if layers.contains(.controlGroups) {
            setup.groups = groups.names(Self.started.wrappingAdd(1, ordering: .relaxed).newValue, for: grants)
        }
        return setup
    }
}

/// The first frame that a worker in a sandbox gets.
struct SandboxSetup: Sendable {
    let isolation: WorkerIsolation
    /// `NAME PORT ADDRESS`.
    var relays: [String] = []
    /// `KIND DIRECTORY`.
    var groups: [String] = []

    /// The directories of the control groups, which are to be gone when the worker is.
    var directories: [String] { groups.compactMap { $0.split(separator: " ", maxSplits: 1).last.map(String.init) } }

    func message(_ writer: FrameWriter) -> spw_setup {
        let grants = isolation.grants
        var message = spw_setup()
        message.layers = isolation.layers.rawValue
        message.allows = (grants.exec ? UInt32(SPW_ALLOW_EXEC) : 0) | (grants.jit ? UInt32(SPW_ALLOW_JIT) : 0)
        switch grants.net {
        case .none: message.net = UInt32(SPW_NET_NONE)
        case .list: message.net = UInt32(SPW_NET_LIST)
        case .any: message.net = UInt32(SPW_NET_ANY)
        }
        message.uid = isolation.user ?? 0
        message.gid = isolation.user ?? 0
        message.memory = UInt64(clamping: grants.memory)
        message.cpu_permille = UInt64(clamping: grants.cpuPermille)
        message.pids = UInt64(clamping: grants.pids)
        message.file_size = UInt64(clamping: grants.output)
        message.cpu_seconds = UInt64(clamping: isolation.cpuSeconds)
        message.files = 4096
        message.hostname = writer.bytes("plugin")
        message.libraries = writer.list(isolation.libraries)
        message.reads = writer.list(grants.read)
        message.writes = writer.list(grants.write)
        message.relays = writer.list(relays)
        message.groups = writer.list(groups)
        return message
    }
}
