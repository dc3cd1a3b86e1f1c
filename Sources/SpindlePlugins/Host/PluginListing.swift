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
        /// Only a restart of the host helps it: it takes no new work any more, or serves as an older version of its file; why.
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
    /// What it showed of itself; nil if it was not measured, or did not pass.
    public var trust: PluginTrust?
    /// Where its code runs.
    public var isolation: IsolationLevel?
    /// What it says about itself; nil if it could not be asked.
    public var manifest: PluginManifest?
    /// What it asks for and its sidecar does not grant, where that is held.
    public var ungranted: [String] = []
    /// The types that it serves.
    public var types: [String] = []
    /// What the operator should know although it serves.
    public var note: String?

    init(file: String, status: Status) {
        self.file = file
        self.status = status
    }

    /// Why it does not serve, or needs attention.
    public var reason: String? {
        switch status {
        case .serving: note
        case .disabled: "enabled: false"
        case .conflict(let reason), .refused(let reason), .quarantined(let reason), .restartNeeded(let reason): reason
        }
    }
}
