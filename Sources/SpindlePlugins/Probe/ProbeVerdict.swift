/// What a throw-away process found out about a plugin.
enum ProbeVerdict: Hashable, Sendable, Codable {
    /// It can be loaded and says this.
    case loads(PluginManifest)
    /// It cannot be used.
    case refused(String)
}

/// An instance to ask `describe` about.
struct ProbeInstance: Hashable, Sendable {
    var type: String
    var uses: String
    var config: String
}
