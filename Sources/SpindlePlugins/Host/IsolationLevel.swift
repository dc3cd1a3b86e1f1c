/// Where the code of a plugin runs.
public enum IsolationLevel: String, Hashable, Sendable, Codable {
    /// In the host itself.
    case inProcess = "in-process"
    /// In worker processes.
    case worker
}
