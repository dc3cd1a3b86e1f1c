public import SpindleCore

/// One plugin of the plugin directory, loaded or refused; also its form in JSON.
public struct PluginSummary: Codable, Hashable, Sendable {
    /// The name of its file without the ending.
    public var name: String
    /// Its file.
    public var file: String
    /// `serving`, `disabled`, `conflict`, `refused`, `quarantined` or `restart needed`.
    public var state: String
    /// Why it does not serve, or why it needs attention.
    public var reason: String?
    /// What the plugin calls itself.
    public var pluginId: String?
    /// The plugin's version.
    public var version: String?
    /// What it showed of itself; nil if it was not measured, or did not pass.
    public var trust: PluginTrustBody?
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
        trust: PluginTrustBody? = nil,
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
        self.trust = trust
        self.isolation = isolation
        self.sha256 = sha256
        self.types = types
    }
}

/// What a file of the plugin directory showed of itself, in JSON.
public struct PluginTrustBody: Codable, Hashable, Sendable {
    /// What it had to show: `directory`, `pinned` or `signed`.
    public var policy: String
    /// Whether `plugins.lock` names its bytes.
    public var pinned: Bool
    /// The principals of the key that signed it; nil if no signature was asked for.
    public var signer: String?

    /// Describes what a file showed.
    public init(policy: String, pinned: Bool, signer: String? = nil) {
        self.policy = policy
        self.pinned = pinned
        self.signer = signer
    }

    /// In a few words, for people.
    public var text: String {
        if let signer { return "signed by \(signer)" }
        return pinned ? "pinned" : policy
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
    /// Looks at the directory again and takes up what has changed.
    func reload() async throws -> [PluginSummary]
    /// Lifts the quarantine of a plugin.
    ///
    /// - Returns: The plugin as it is now.
    /// - Throws: `notFound`; `conflict` if it is not quarantined.
    func release(_ name: String) async throws -> PluginSummary
}

/// A host without plugins.
public struct NoPlugins: PluginDirectoryView {
    /// No plugins.
    public init() {}

    public func listings() async -> [PluginSummary] { [] }
    public func inspect(_ name: String) async -> PluginDetails? { nil }
    public func reload() async throws -> [PluginSummary] { [] }
    public func release(_ name: String) async throws -> PluginSummary {
        throw SpindleError(.notFound, "There is no plugin \"\(name.prefix(128))\".")
    }
}
