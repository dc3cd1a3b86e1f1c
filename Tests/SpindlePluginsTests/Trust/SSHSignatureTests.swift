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
        arguments: ["ed25519", "ecdsa 256", "ecdsa 384", "ecdsa 521"],
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

    @Test("no signature verifies with a bit flipped, in its text or in the bytes behind it", arguments: ["ed25519", "ecdsa"])
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

    @Test("what is refused says why", arguments: [("rsa", "ssh-rsa"), ("dsa-namespace", "sign with -n spindle-plugin")])
    func refusals(_ kind: String, _ reason: String) throws {
        let isRSA = kind == "rsa"
        let key = try keygen.key("key", isRSA ? "rsa" : "ed25519")
        let signature = try keygen.sign(file, with: key, namespace: isRSA ? "spindle-plugin" : "file")
        let parsed = try SSHSignature(armoured: signature)
        let error = Array("the bytes of a plugin".utf8).withUnsafeBytes { bytes in
            #expect(throws: SSHFormatError.self) { try parsed.verify(bytes) }
        }
        #expect(error?.reason.contains(reason) == true, "\(error?.reason ?? "")")
    }

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
