import SpindleWire

/// Layers of a sandbox; each can be tried by itself.
struct SandboxLayers: OptionSet, Hashable, Sendable {
    let rawValue: UInt32

    static let user = SandboxLayers(SPW_LAYER_USER)
    static let pid = SandboxLayers(SPW_LAYER_PID)
    static let mount = SandboxLayers(SPW_LAYER_MOUNT)
    static let net = SandboxLayers(SPW_LAYER_NET)
    static let ipc = SandboxLayers(SPW_LAYER_IPC)
    static let uts = SandboxLayers(SPW_LAYER_UTS)
    static let controlGroups = SandboxLayers(SPW_LAYER_CGROUP)
    static let limits = SandboxLayers(SPW_LAYER_LIMITS)
    static let ids = SandboxLayers(SPW_LAYER_IDS)
    static let capabilities = SandboxLayers(SPW_LAYER_CAPS)
    static let noPrivileges = SandboxLayers(SPW_LAYER_NO_PRIVS)
    static let memoryProtection = SandboxLayers(SPW_LAYER_MDWE)
    static let landlock = SandboxLayers(SPW_LAYER_LANDLOCK)
    static let seccomp = SandboxLayers(SPW_LAYER_SECCOMP)
    /// What the others promise is tried before the plugin is loaded.
    static let test = SandboxLayers(SPW_LAYER_TEST)
    /// Nothing is loaded: the worker says whether all could be given, and ends.
    static let trial = SandboxLayers(SPW_LAYER_TRY)

    init(rawValue: UInt32) { self.rawValue = rawValue }
    private init<Value: BinaryInteger>(_ value: Value) { rawValue = UInt32(truncatingIfNeeded: value) }

    /// All that a sandbox has, without control groups, which are where they can be had.
    ///
    /// - Parameter isRoot: Root gives the plugin a user of its own; others have a user namespace.
    static func all(isRoot: Bool) -> SandboxLayers {
        let common: SandboxLayers = [
            .pid, .mount, .net, .ipc, .uts, .limits, .capabilities, .noPrivileges, .memoryProtection, .landlock, .seccomp, .test,
        ]
        return common.union(isRoot ? .ids : .user)
    }
}
