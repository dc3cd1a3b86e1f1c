/// What a throw-away process found out about a plugin.
enum ProbeVerdict: Hashable, Sendable, Codable {
    /// It can be loaded and says this.
    case loads(PluginManifest)
    /// It cannot be used: its bytes say so.
    case refused(String)
    /// Looking at it failed, or took too long: another time it may go better.
    case failed(String)
}

/// A verdict as it is kept between starts.
struct KeptVerdict: Sendable, Codable {
    /// A failed look is not repeated at every command, and not believed for ever: a slow minute must not cost a plugin its service.
    static let failureLifetime: Int64 = 600_000_000

    let verdict: ProbeVerdict
    /// Until when it counts, in microseconds of wall time; nil is for ever.
    let until: Int64?
}

/// An instance to ask `describe` about.
struct ProbeInstance: Hashable, Sendable {
    var type: String
    var uses: String
    var config: String
}
