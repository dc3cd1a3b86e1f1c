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
    /// Of a sidecar's executors. Without any, its configuration is that of an instance for each kind, which only the plugin can name.
    static func all(_ sidecar: Sidecar) -> [ProbeInstance] {
        guard sidecar.executors.isEmpty else {
            return sidecar.executors.map {
                ProbeInstance(type: $0.type, uses: $0.uses, config: $0.config ?? sidecar.config ?? "{}")
            }
        }
        return sidecar.config.map { [ProbeInstance(type: "", uses: "", config: $0)] } ?? []
    }

    /// The same with the kinds that there are.
    static func named(_ instances: [ProbeInstance], _ kinds: [PluginManifest.Executor]) -> [ProbeInstance] {
        guard let only = instances.first, instances.count == 1, only.uses.isEmpty else { return instances }
        return kinds.map { ProbeInstance(type: $0.type, uses: $0.type, config: only.config) }
    }

    var type: String
    var uses: String
    var config: String
}
