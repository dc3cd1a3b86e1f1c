public import SpindleCore

/// One plugin of the plugin directory, loaded or refused; also its form in JSON.
public struct PluginSummary: Codable, Hashable, Sendable {
    /// The name of its file without the ending.
    public var name: String
    /// Its file.
    public var file: String
    /// `serving`, `disabled`, `conflict`, `refused` or `restart needed`.
    public var state: String
    /// Why it does not serve, or why it needs attention.
    public var reason: String?
    /// What the plugin calls itself.
    public var pluginId: String?
    /// The plugin's version.
    public var version: String?
    /// `in-process`, `worker`, `sandbox` or `one-shot`.
    public var isolation: String?
    /// SHA-256 of the file in hexadecimal.
    public var sha256: String?
    /// The executor types it offers.
    public var types: [String]

    /// Describes a plugin.
    public init(
        name: String,
        file: String,
        state: String,
        reason: String? = nil,
        pluginId: String? = nil,
        version: String? = nil,
        isolation: String? = nil,
        sha256: String? = nil,
        types: [String] = []
    ) {
        self.name = name
        self.file = file
        self.state = state
        self.reason = reason
        self.pluginId = pluginId
        self.version = version
        self.isolation = isolation
        self.sha256 = sha256
        self.types = types
    }
}

/// All that is known about one plugin, in JSON.
public struct PluginDetails: Codable, Hashable, Sendable {
    /// The same as in the list.
    public var summary: PluginSummary
    /// Descriptors, schemas, needs, processes: what the plugin host has to tell.
    public var details: [String: JSONValue]

    /// Describes a plugin.
    public init(summary: PluginSummary, details: [String: JSONValue] = [:]) {
        self.summary = summary
        self.details = details
    }
}

/// The plugins in JSON.
public struct PluginListBody: Codable, Sendable {
    /// By name.
    public var plugins: [PluginSummary]

    /// Lists plugins.
    public init(plugins: [PluginSummary]) { self.plugins = plugins }
}

/// What the server sees of the plugin host; the composition root adapts it.
public protocol PluginDirectoryView: Sendable {
    /// Every plugin of the directory, also those that were refused.
    func listings() async -> [PluginSummary]
    /// All about one plugin; nil if there is no such plugin.
    func inspect(_ name: String) async -> PluginDetails?
}

/// A host without plugins.
public struct NoPlugins: PluginDirectoryView {
    /// No plugins.
    public init() {}

    public func listings() async -> [PluginSummary] { [] }
    public func inspect(_ name: String) async -> PluginDetails? { nil }
}
