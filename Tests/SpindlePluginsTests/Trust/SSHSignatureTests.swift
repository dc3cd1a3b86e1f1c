import FoundationEssentials
import Glibc
import SpindleCore
import Testing

@testable import SpindlePlugins

/// Signatures made by `ssh-keygen`, whole and damaged.
@Suite(.timeLimit(.minutes(5)))
struct SSHSignatureTests {
    private let workspace: Workspace
    private let keygen: Keygen
    private let file: String

    init() throws {
        workspace = try Workspace()
        keygen = Keygen(directory: workspace.path)
        file = try keygen.write("the bytes of a plugin", to: "p.so")
    }

    /// Whether a signature is one of these bytes, by whatever key.
    private func isWhole(_ signature: [UInt8], _ message: String = "the bytes of a plugin") -> Bool {
        guard let signature = try? SSHSignature(armoured: signature) else { return false }
        return Array(message.utf8).withUnsafeBytes { bytes in
            do throws(SSHFormatError) {
                try signature.verify(bytes)
                return true
            } catch {
                return false
            }
        }
    }

    @Test(
        "signatures of each supported kind of key verify, with both hashes, and of other bytes they do not",
        arguments: ["ed25519", "ecdsa 256", "ecdsa 384", "ecdsa 521", "rsa 2048", "rsa 3072"],
        ["sha512", "sha256"]
    )
    func kinds(_ kind: String, _ hash: String) throws {
        let parts = kind.split(separator: " ").map(String.init)
        let key = try keygen.key("key", parts[0], bits: parts.count > 1 ? Int(parts[1]) : nil)
        // The numbers of ECDSA are sometimes short, sometimes begin with a zero: several signatures see both.
        for _ in 0..<(parts[0] == "ecdsa" ? 8 : 1) {
            let signature = try keygen.sign(file, with: key, hash: hash)
            #expect(isWhole(signature))
            #expect(!isWhole(signature, "the bytes of a plugio"))
        }
    }

    @Test("no signature verifies that is cut, at any length")
    func truncated() throws {
        let signature = try keygen.sign(file, with: keygen.key("key"))
        #expect(isWhole(signature))
        // The line feed at its very end is no part of it.
        for count in 0..<signature.count - 1 { #expect(!isWhole(Array(signature.prefix(count))), "\(count) bytes") }
    }

    @Test(
        "no signature verifies with a bit flipped, in its text or in the bytes behind it",
        arguments: ["ed25519", "ecdsa", "rsa"]
    )
    func flipped(_ kind: String) throws {
        let signature = try keygen.sign(file, with: keygen.key("key", kind))
        for index in signature.indices {
            for bit in 0..<8 {
                var changed = signature
                changed[index] ^= 1 << bit
                #expect(!isWhole(changed), "bit \(bit) of byte \(index)")
            }
        }
        let lines = String(decoding: signature, as: UTF8.self).split(separator: "\n")
        let blob = try #require(Base64.decode(lines[1..<lines.count - 1].joined()))
        #expect(isWhole(Self.armour(blob)))
        for index in blob.indices {
            for bit in 0..<8 {
                var changed = blob
                changed[index] ^= 1 << bit
                #expect(!isWhole(Self.armour(changed)), "bit \(bit) of byte \(index)")
            }
        }
        for count in blob.indices { #expect(!isWhole(Self.armour(Array(blob.prefix(count)))), "\(count) bytes") }
        #expect(!isWhole(Self.armour(blob + [0])))
    }

    private static func armour(_ blob: [UInt8]) -> [UInt8] {
        let text = Data(blob).base64EncodedString()
        return Array("-----BEGIN SSH SIGNATURE-----\n\(text)\n-----END SSH SIGNATURE-----\n".utf8)
    }

    @Test("ends of lines may be those of Windows; nothing may stand before or behind")
    func lines() throws {
        let signature = String(decoding: try keygen.sign(file, with: keygen.key("key")), as: UTF8.self)
        #expect(isWhole(Array(signature.replacing("\n", with: "\r\n").utf8)))
        #expect(isWhole(Array("\(signature)\n\n".utf8)))
        #expect(!isWhole(Array("\n\(signature)".utf8)))
        #expect(!isWhole(Array("\(signature)more\n".utf8)))
        #expect(!isWhole(Array("\(signature)\(signature)".utf8)))
        #expect(!isWhole(Array(signature.replacing("U1NI", with: "U1 NI").utf8)))
    }

    /// A signature in a form of its own, for what this `ssh-keygen` may not be able to make.
    private static func signature(key: [UInt8], algorithm: String, bytes: [UInt8]) -> [UInt8] {
        var inner: [UInt8] = []
        inner.append(sshString: algorithm.utf8)
        inner.append(sshString: bytes)
        var blob = SSHSignature.magic + [0, 0, 0, 1]
        for part in [key, Array("spindle-plugin".utf8), [], Array("sha512".utf8), inner] { blob.append(sshString: part) }
        return armour(blob)
    }

    private func reason(_ signature: [UInt8]) throws -> String {
        let parsed = try SSHSignature(armoured: signature)
        return Array("the bytes of a plugin".utf8).withUnsafeBytes { bytes in
            do throws(SSHFormatError) {
                try parsed.verify(bytes)
                return "it verifies"
            } catch {
                return error.reason
            }
        }
    }

    @Test("what is refused says why")
    func refusals() throws {
        let other = try keygen.sign(file, with: keygen.key("key"), namespace: "file")
        #expect(try reason(other) == "it was made for \"file\"; sign with -n spindle-plugin")
        var key: [UInt8] = []
        for part in ["sk-ssh-ed25519@openssh.com", String(repeating: "k", count: 32), "ssh:"] { key.append(sshString: part.utf8) }
        let security = Self.signature(key: key, algorithm: "sk-ssh-ed25519@openssh.com", bytes: Array(repeating: 1, count: 64))
        #expect(try reason(security).contains("sk-ssh-ed25519@openssh.com, which is not supported"))
        let small = try keygen.sign(file, with: keygen.key("small", "rsa", bits: 1024))
        #expect(try reason(small) == "its RSA key cannot be used: 2048 to 8192 bits are wanted")
        let rsa = try SSHSignature(armoured: keygen.sign(file, with: keygen.key("rsa", "rsa")))
        let old = Self.signature(key: rsa.key.blob, algorithm: "ssh-rsa", bytes: rsa.bytes)
        #expect(try reason(old) == "its algorithm is neither rsa-sha2-512 nor rsa-sha2-256")
        #expect(try reason(Self.signature(key: rsa.key.blob, algorithm: "rsa-sha2-512", bytes: rsa.bytes)) == "it verifies")
        #expect(try reason(Self.signature(key: rsa.key.blob, algorithm: "rsa-sha2-256", bytes: rsa.bytes)) != "it verifies")
        #expect(try reason(Self.signature(key: rsa.key.blob, algorithm: "rsa-sha2-512", bytes: [0] + rsa.bytes)) != "it verifies")
        let certificate = Self.signature(key: Self.certificate, algorithm: "ssh-ed25519", bytes: [])
        #expect(throws: SSHFormatError.self) { try SSHSignature(armoured: certificate) }
    }

    private static let certificate: [UInt8] = {
        var key: [UInt8] = []
        key.append(sshString: "ssh-ed25519-cert-v01@openssh.com".utf8)
        return key
    }()

    @Test("lengths that lie are refused")
    func lengths() throws {
        let signature = try keygen.sign(file, with: keygen.key("key"))
        let lines = String(decoding: signature, as: UTF8.self).split(separator: "\n")
        let blob = try #require(Base64.decode(lines[1..<lines.count - 1].joined()))
        // Every place where a length may stand.
        for index in 0...(blob.count - 4) {
            for length: UInt32 in [0xFFFF_FFFF, 0x7FFF_FFFF, 0x8000_0000, UInt32(blob.count)] {
                var changed = blob
                for byte in 0..<4 { changed[index + byte] = UInt8(length >> (24 - 8 * UInt32(byte)) & 255) }
                #expect(!isWhole(Self.armour(changed)))
            }
        }
        #expect(!isWhole(Array(repeating: 65, count: SSHSignature.maxBytes + 1)))
    }
}
