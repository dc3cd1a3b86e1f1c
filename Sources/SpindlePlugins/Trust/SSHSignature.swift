/// A signature as `ssh-keygen -Y sign` writes it (OpenSSH's PROTOCOL.sshsig), read but not yet verified.
package struct SSHSignature: Hashable, Sendable {
    /// The hash of the message that was signed.
    package enum Hash: String, Hashable, Sendable { case sha256, sha512 }

    /// Who says that he signed.
    package let key: SSHPublicKey
    /// What it was signed for.
    package let namespace: String
    package let hash: Hash
    /// The algorithm of the signature proper.
    package let algorithm: String
    /// The signature proper.
    let bytes: [UInt8]

    /// What signatures of plugins are for.
    package static let pluginNamespace = "spindle-plugin"
    /// No signature file is longer, in bytes.
    package static let maxBytes = 32 * 1024

    static let magic = Array("SSHSIG".utf8)
    private static let begin = "-----BEGIN SSH SIGNATURE-----"
    private static let end = "-----END SSH SIGNATURE-----"

    /// Reads the armoured form.
    ///
    /// - Parameter armoured: Anything.
    /// - Throws: ``SSHFormatError`` that says what is wrong with "it", the signature.
    package init(armoured: [UInt8]) throws(SSHFormatError) {
        guard armoured.count <= Self.maxBytes else { throw SSHFormatError("it has more than \(Self.maxBytes) bytes") }
        guard armoured.allSatisfy({ $0 < 128 }) else { throw SSHFormatError("it is not text in base 64") }
        var lines = String(decoding: armoured, as: UTF8.self).utf8.split(separator: 10, omittingEmptySubsequences: false)
            .map { Substring($0.last == 13 ? $0.dropLast() : $0) }
        while lines.last?.isEmpty == true { lines.removeLast() }
        guard lines.first == Self.begin[...] else { throw SSHFormatError("it does not begin with \"\(Self.begin)\"") }
        guard lines.count > 2, lines.last == Self.end[...] else { throw SSHFormatError("it does not end with \"\(Self.end)\"") }
        guard let blob = Base64.decode(lines[1..<lines.count - 1].joined()) else {
            throw SSHFormatError("it is not text in base 64")
        }
        try self.init(blob: blob[...])
    }

    private init(blob: ArraySlice<UInt8>) throws(SSHFormatError) {
        var reader = SSHReader(blob)
        try reader.skip(Self.magic, "magic number")
        let version = try reader.uint32("version")
        guard version == 1 else { throw SSHFormatError("its version is \(version), not 1") }
        key = try SSHPublicKey(blob: try reader.string("key"))
        namespace = try reader.text("namespace")
        // Nothing is known to stand there, and it would not be covered by what OpenSSH verifies.
        guard try reader.string("reserved field").isEmpty else { throw SSHFormatError("its reserved field is not empty") }
        let name = try reader.text("hash algorithm")
        guard let hash = Hash(rawValue: name) else {
            throw SSHFormatError("its hash algorithm is neither sha512 nor sha256")
        }
        self.hash = hash
        let signature = try reader.string("signature")
        try reader.end("signature")
        var inner = SSHReader(signature)
        algorithm = try inner.text("signature algorithm")
        bytes = Array(try inner.string("signature"))
        // A security key adds flags and a counter; signatures by it are refused later, with a sentence of their own.
        if key.material != .other { try inner.end("signature") }
    }

    /// What was really signed.
    func signedBytes(digest: some Collection<UInt8>) -> [UInt8] {
        var result = Self.magic
        result.append(sshString: namespace.utf8)
        result.append(sshString: EmptyCollection<UInt8>())
        result.append(sshString: hash.rawValue.utf8)
        result.append(sshString: digest)
        return result
    }
}
