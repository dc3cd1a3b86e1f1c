import Crypto
import CryptoExtras
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
                "it was made by a key of the kind \(key.algorithm), which is not supported; use ssh-ed25519"
            )
        case .ed25519(let raw):
            guard algorithm == key.algorithm, let key = try? Curve25519.Signing.PublicKey(rawRepresentation: raw) else {
                return false
            }
            return key.isValidSignature(bytes, for: signed)
        case .rsa(let modulus, let exponent): return try isValid(signed, modulus: modulus, exponent: exponent)
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

    private func isValid(_ signed: [UInt8], modulus: [UInt8], exponent: [UInt8]) throws(SSHFormatError) -> Bool {
        guard (256...1024).contains(modulus.count), let key = try? _RSA.Signing.PublicKey(n: modulus, e: exponent) else {
            throw SSHFormatError("its RSA key cannot be used: 2048 to 8192 bits are wanted")
        }
        guard bytes.count <= modulus.count else { return false }
        // OpenSSH leaves leading zeros out.
        let raw = [UInt8](repeating: 0, count: modulus.count - bytes.count) + bytes
        let signature = _RSA.Signing.RSASignature(rawRepresentation: raw)
        switch algorithm {
        case "rsa-sha2-512":
            return key.isValidSignature(signature, for: SHA512.hash(data: signed), padding: .insecurePKCS1v1_5)
        case "rsa-sha2-256":
            return key.isValidSignature(signature, for: SHA256.hash(data: signed), padding: .insecurePKCS1v1_5)
        default: throw SSHFormatError("its algorithm is neither rsa-sha2-512 nor rsa-sha2-256")
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
