/// What a plugin is made of: its bytes, and what the operator says about it. A change of either is a new version.
struct PluginVersion: Hashable, Sendable {
    /// SHA-256 of the file.
    let digest: String
    let sidecar: Sidecar
}

extension PluginCandidate {
    /// The version that the file holds now; nil if it cannot be used as it is.
    var version: PluginVersion? { file.map { PluginVersion(digest: $0.image.digest, sidecar: sidecar) } }
}
