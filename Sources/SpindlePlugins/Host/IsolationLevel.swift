/// Where the code of a plugin runs.
public enum IsolationLevel: String, Hashable, Sendable, Codable, CaseIterable {
    /// In the host itself.
    case inProcess = "in-process"
    /// In worker processes.
    case worker
    /// In worker processes that see and reach only what was granted.
    case sandbox
    /// The same, with a new process for each attempt.
    case oneShot = "one-shot"

    /// Whether the kernel holds the plugin to its grants.
    public var isSandboxed: Bool { self == .sandbox || self == .oneShot }
}
