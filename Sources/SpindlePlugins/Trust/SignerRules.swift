/// Whose signatures count.
struct SignerRules: Sendable {
    let signers: AllowedSigners
    private let revoked: RevokedSigners?
    private let signersFile: String
    private let revokedFile: String

    /// Reads both lists; names are for messages.
    init(signers: [UInt8], signersFile: String, revoked: [UInt8]?, revokedFile: String) throws(PluginRefusal) {
        self.signers = AllowedSigners(signers, file: signersFile)
        self.signersFile = signersFile
        self.revokedFile = revokedFile
        do throws(SSHFormatError) {
            self.revoked = try revoked.map { bytes throws(SSHFormatError) in try RevokedSigners(bytes, file: revokedFile) }
        } catch {
            throw PluginRefusal(error.reason)
        }
    }

    /// Verifies that somebody on the list, and not revoked, signed the bytes of an image.
    ///
    /// - Parameters:
    ///   - signature: The bytes of the signature file.
    ///   - name: Its name.
    ///   - principal: Who must have signed; nil takes anybody on the list.
    ///   - now: Seconds since 1970.
    /// - Returns: The line of the list.
    func check(
        _ signature: [UInt8],
        name: String,
        of image: SealedImage,
        principal: String?,
        now: Int64
    ) throws(PluginRefusal) -> AllowedSigners.Entry {
        do throws(SSHFormatError) {
            let signature = try SSHSignature(armoured: signature)
            try signature.verify(image.bytes)
            return try allow(signature.key, principal: principal, now: now)
        } catch {
            throw PluginRefusal("its signature \(name) does not count: \(error.reason)")
        }
    }

    private func allow(_ key: SSHPublicKey, principal: String?, now: Int64) throws(SSHFormatError) -> AllowedSigners.Entry {
        guard revoked?.contains(key) != true else { throw SSHFormatError("\(revokedFile) revokes the key \(key.name)") }
        do {
            return try signers.entry(for: key, principal: principal, now: now)
        } catch {
            let sentence =
                switch error {
                case .unknown: "\(signersFile) does not have the key \(key.name)\(problem)"
                case .otherPrincipal(let line):
                    "the key \(key.name) is not \"\(principal ?? "")\"'s by \(signersFile):\(line)"
                case .otherNamespace(let line):
                    "the key \(key.name) may not sign for \"\(SSHSignature.pluginNamespace)\" by \(signersFile):\(line)"
                case .notYetValid(let line): "the key \(key.name) is not valid yet by \(signersFile):\(line)"
                case .expired(let line): "the key \(key.name) is not valid any more by \(signersFile):\(line)"
                }
            throw SSHFormatError(sentence)
        }
    }

    /// The key may stand in a line that cannot be read.
    private var problem: String {
        guard let first = signers.problems.first else { return "" }
        return " (a line of it counts for nothing: \(first))"
    }
}
