/// What a file of the plugin directory showed of itself.
public struct PluginTrust: Hashable, Sendable {
    /// What it had to show.
    public var policy: TrustPolicy
    /// Whether `plugins.lock` names its bytes.
    public var isPinned: Bool
    /// The principals of the key that signed it; nil if no signature was asked for.
    public var signer: String?
    /// What the lock has under its name; nil if nothing.
    var pin: PluginLock.Pin?

    /// Refuses a plugin that is older than the pinned one, which a signature alone does not: old versions stay signed.
    ///
    /// - Parameters:
    ///   - id: What the plugin calls itself.
    ///   - version: Its version, by its own words.
    func check(id: String, version: String) throws(PluginRefusal) {
        guard policy == .signed, let pin, !isPinned else { return }
        guard let reason = pin.objection(id: id, version: version) else { return }
        throw PluginRefusal("\(reason); \"spindle plugins pin --force\" allows it")
    }
}

extension PluginLock.Pin {
    /// Why a plugin does not follow this one; nil if it does.
    func objection(id newID: String, version newVersion: String) -> String? {
        guard newID == id else { return "it calls itself \(newID), but the pinned plugin is \(id)" }
        guard newVersion != version else { return nil }
        guard let new = SemanticVersion(newVersion), let old = SemanticVersion(version) else {
            return "its version \(newVersion) cannot be compared with the pinned \(version)"
        }
        return new < old ? "its version \(newVersion) is older than the pinned \(version)" : nil
    }
}
