import FoundationEssentials

/// A public key of OpenSSH.
package struct SSHPublicKey: Hashable, Sendable {
    /// What Spindle can do with a kind of key.
    enum Material: Hashable, Sendable {
        case ed25519([UInt8])
        /// An uncompressed point of the curve P-256, P-384 or P-521.
        case ecdsa(bits: Int, point: [UInt8])
        /// Modulus and exponent, without leading zeros.
        case rsa(modulus: [UInt8], exponent: [UInt8])
        /// Known to OpenSSH; signatures by it are refused.
        case other
    }

    /// Its kind, such as `ssh-ed25519`.
    package let algorithm: String
    /// Its binary form.
    package let blob: [UInt8]
    let material: Material

    /// The largest key there is sense in, in bytes.
    static let maxBytes = 8 * 1024

    private static let curves = [
        "ecdsa-sha2-nistp256": ("nistp256", 256, 65), "ecdsa-sha2-nistp384": ("nistp384", 384, 97),
        "ecdsa-sha2-nistp521": ("nistp521", 521, 133),
    ]
    private static let others: Set<String> = [
        "ssh-dss", "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
    ]

    /// Reads the binary form.
    init(blob: ArraySlice<UInt8>) throws(SSHFormatError) {
        guard blob.count <= Self.maxBytes else { throw SSHFormatError("its key has more than \(Self.maxBytes) bytes") }
        var reader = SSHReader(blob)
        algorithm = try reader.text("kind of key")
        if algorithm == "ssh-ed25519" {
            let key = try reader.string("key")
            guard key.count == 32 else { throw SSHFormatError("its Ed25519 key has \(key.count) bytes instead of 32") }
            material = .ed25519(Array(key))
        } else if let (curve, bits, size) = Self.curves[algorithm] {
            guard try reader.text("curve") == curve else { throw SSHFormatError("its key and the curve of it differ") }
            let point = try reader.string("key")
            guard point.count == size, point.first == 4 else { throw SSHFormatError("its key is not a whole point") }
            material = .ecdsa(bits: bits, point: Array(point))
        } else if algorithm == "ssh-rsa" {
            let exponent = Array(try reader.number("exponent"))
            material = .rsa(modulus: Array(try reader.number("modulus")), exponent: exponent)
        } else if Self.others.contains(algorithm) {
            material = .other
            self.blob = Array(blob)
            return
        } else if algorithm.hasSuffix("-cert-v01@openssh.com") {
            throw SSHFormatError("it has a certificate; only plain keys can be used")
        } else {
            throw SSHFormatError("its kind of key is not known")
        }
        try reader.end("key")
        self.blob = Array(blob)
    }

    /// Reads `KIND BASE64`, as it stands in `.pub` files; a comment may follow.
    ///
    /// - Returns: The key and the comment.
    package static func read(_ text: Substring) throws(SSHFormatError) -> (key: SSHPublicKey, comment: Substring) {
        let parts = text.split(maxSplits: 2) { $0 == " " || $0 == "\t" }
        guard parts.count >= 2 else { throw SSHFormatError("a kind of key and the key in base 64 are wanted") }
        guard let blob = Base64.decode(parts[1]) else { throw SSHFormatError("the key is not base 64") }
        let key = try SSHPublicKey(blob: blob[...])
        guard key.algorithm == parts[0] else { throw SSHFormatError("the key is not of the kind that stands before it") }
        return (key, parts.count > 2 ? parts[2] : "")
    }

    /// As it stands in `.pub` files.
    package var text: String { "\(algorithm) \(Data(blob).base64EncodedString())" }
}
