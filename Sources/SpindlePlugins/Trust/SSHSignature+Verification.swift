import Crypto
import FoundationEssentials

extension SSHSignature {
    /// Verifies that the key in the signature signed a message for plugins. Whether that key is to be trusted is another question.
    ///
    /// - Throws: ``SSHFormatError`` that says what is wrong with "it", the signature.
    func verify(_ message: UnsafeRawBufferPointer) throws(SSHFormatError) {
        guard namespace == Self.pluginNamespace else {
            throw SSHFormatError("it was made for \"\(namespace.prefix(64))\"; sign with -n \(Self.pluginNamespace)")
        }
        let digest: [UInt8]
        switch hash {
        case .sha256: digest = Self.digest(SHA256(), message)
        case .sha512: digest = Self.digest(SHA512(), message)
        }
        guard try isValid(for: signedBytes(digest: digest)) else { throw SSHFormatError("it is not one of these bytes") }
    }

    private static func digest(_ function: some HashFunction, _ message: UnsafeRawBufferPointer) -> [UInt8] {
        var function = function
        function.update(bufferPointer: message)
        return Array(function.finalize())
    }

    private func isValid(for signed: [UInt8]) throws(SSHFormatError) -> Bool {
        switch key.material {
        case .other:
            throw SSHFormatError(
                "it was made by a key of the kind \(key.algorithm), which is not supported; use ssh-ed25519 or ecdsa-sha2-*"
            )
        case .ed25519(let raw):
            guard algorithm == key.algorithm, let key = try? Curve25519.Signing.PublicKey(rawRepresentation: raw) else {
                return false
            }
            return key.isValidSignature(bytes, for: signed)
        case .ecdsa(let bits, let point):
            guard algorithm == key.algorithm else { return false }
            let raw = try rawNumbers(bytes: (bits + 7) / 8)
            switch bits {
            case 256:
                guard let key = try? P256.Signing.PublicKey(x963Representation: point),
                    let signature = try? P256.Signing.ECDSASignature(rawRepresentation: raw)
                else { return false }
                return key.isValidSignature(signature, for: signed)
            case 384:
                guard let key = try? P384.Signing.PublicKey(x963Representation: point),
                    let signature = try? P384.Signing.ECDSASignature(rawRepresentation: raw)
                else { return false }
                return key.isValidSignature(signature, for: signed)
            default:
                guard let key = try? P521.Signing.PublicKey(x963Representation: point),
                    let signature = try? P521.Signing.ECDSASignature(rawRepresentation: raw)
                else { return false }
                return key.isValidSignature(signature, for: signed)
            }
        }
    }

    /// The two numbers of an ECDSA signature, each with leading zeros to a fixed size.
    private func rawNumbers(bytes size: Int) throws(SSHFormatError) -> [UInt8] {
        var reader = SSHReader(bytes[...])
        var result: [UInt8] = []
        for name in ["first number", "second number"] {
            let number = try reader.number(name)
            guard number.count <= size else { throw SSHFormatError("its \(name) is too large") }
            result += Array(repeating: 0, count: size - number.count) + number
        }
        try reader.end("second number")
        return result
    }
}

extension SSHPublicKey {
    /// How `ssh-keygen -l` names the key: `SHA256:` and the hash in base 64.
    package var fingerprint: String {
        let text = Data(SHA256.hash(data: blob)).base64EncodedString()
        return "SHA256:" + text.prefix { $0 != "=" }
    }

    /// Its kind and fingerprint, for people.
    var name: String { "\(algorithm) \(fingerprint)" }
}
