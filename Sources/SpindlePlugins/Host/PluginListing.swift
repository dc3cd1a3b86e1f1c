/// A file of the plugin directory, and what became of it.
public struct PluginListing: Hashable, Sendable {
    /// What became of a file.
    public enum Status: Hashable, Sendable {
        /// Jobs of its types run.
        case serving
        /// The operator switched it off.
        case disabled
        /// Another plugin, or the host itself, has one of its types already.
        case conflict(String)
        /// It is not used; why.
        case refused(String)
        /// Its workers crashed too often: its jobs wait until it is released; why.
        case quarantined(String)
        /// It takes no new work until the host is restarted; why.
        case restartNeeded(String)
    }

    /// The file's name.
    public var file: String
    /// What became of it.
    public var status: Status
    /// SHA-256 of its bytes; nil if it could not be read.
    public var digest: String?
    /// Its size in bytes.
    public var size: Int?
    /// The file's owner.
    public var owner: UInt32?
    /// The file's permission bits.
    public var mode: UInt32?
    /// Where its code runs.
    public var isolation: IsolationLevel?
    /// What it says about itself; nil if it could not be asked.
    public var manifest: PluginManifest?
    /// The types that it serves.
    public var types: [String] = []

    init(file: String, status: Status) {
        self.file = file
        self.status = status
    }

    /// The reason, if it does not serve.
    public var reason: String? {
        switch status {
        case .serving: nil
        case .disabled: "enabled: false"
        case .conflict(let reason), .refused(let reason), .quarantined(let reason), .restartNeeded(let reason): reason
        }
    }
}
