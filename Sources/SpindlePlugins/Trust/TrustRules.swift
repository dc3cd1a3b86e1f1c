import SpindleCore

/// What the files of one plugin directory are measured by, as it was read at one moment.
struct TrustRules: Sendable {
    let policy: TrustPolicy
    private let lock: Result<PluginLock?, PluginRefusal>
    private let signers: Result<SignerRules?, PluginRefusal>
    /// Seconds since 1970.
    private let now: Int64

    static let signersFile = "allowed_signers"
    static let revokedFile = "revoked_signers"

    /// Reads `plugins.lock`, and for `signed` the lists of signers. May block.
    init(_ policy: TrustPolicy, in directory: TrustedDirectory, now: Timestamp) {
        self.policy = policy
        self.now = now.microseconds / 1_000_000
        lock = Result { () throws(PluginRefusal) in try Self.readLock(directory) }
        signers = Result { () throws(PluginRefusal) in
            guard policy == .signed else { return nil }
            guard let bytes = try directory.read(Self.signersFile, maxBytes: AllowedSigners.maxBytes) else {
                throw PluginRefusal("there is no \(Self.signersFile) beside it that says whose signatures count")
            }
            let revoked = try directory.read(Self.revokedFile, maxBytes: AllowedSigners.maxBytes)
            return try SignerRules(signers: bytes, signersFile: Self.signersFile, revoked: revoked, revokedFile: Self.revokedFile)
        }
    }

    static func readLock(_ directory: TrustedDirectory) throws(PluginRefusal) -> PluginLock? {
        guard let bytes = try directory.read(PluginLock.file, maxBytes: PluginLock.maxBytes) else { return nil }
        do throws(SpindleError) { return try PluginLock(bytes) } catch { throw PluginRefusal(error) }
    }

    /// Measures a file that was opened.
    ///
    /// - Throws: Why it is not to be used, and what to do.
    func check(_ file: PluginFile, in directory: TrustedDirectory) throws(PluginRefusal) -> PluginTrust {
        let digest = file.image.digest
        switch policy {
        case .directory:
            // Nothing hangs on the lock here: one that cannot be read pins nothing.
            let pin = (try? lock.get())??.pins[file.name]
            return PluginTrust(policy: policy, isPinned: pin?.sha256 == digest, signer: nil, pin: pin)
        case .pinned:
            guard let pin = try lock.get()?.pins[file.name] else {
                throw PluginRefusal("it is not pinned in \(PluginLock.file); \"spindle plugins pin \(file.name)\" pins it")
            }
            guard pin.sha256 == digest else {
                throw PluginRefusal(
                    "its digest is \(digest.prefix(12))…, but \(PluginLock.file) has \(pin.sha256.prefix(12))…; "
                        + "if the change is meant, \"spindle plugins pin \(file.name)\" pins the new one"
                )
            }
            return PluginTrust(policy: policy, isPinned: true, signer: nil, pin: pin)
        case .signed:
            guard let signers = try signers.get() else { throw PluginRefusal("nobody's signature counts") }
            // Read first: a lock that cannot be read may hold the version that this one must not be older than.
            let pin = try lock.get()?.pins[file.name]
            let name = "\(file.name).so.sig"
            guard let signature = try directory.read(name, maxBytes: SSHSignature.maxBytes) else {
                throw PluginRefusal("it is not signed: there is no \(name); \"spindle plugins sign\" makes one")
            }
            let entry = try signers.check(signature, name: name, of: file.image, principal: nil, now: now)
            return PluginTrust(policy: policy, isPinned: pin?.sha256 == digest, signer: entry.principals, pin: pin)
        }
    }
}
