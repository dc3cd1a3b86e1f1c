/// What a file must show before it is used as a plugin.
public enum TrustPolicy: String, Hashable, Sendable, Codable, CaseIterable {
    /// That nobody but root and the host's user could have put it there.
    case directory
    /// That, and that its bytes are those that `plugins.lock` names.
    case pinned
    /// That, and that a signer whom `allowed_signers` lists signed its bytes.
    case signed
}
