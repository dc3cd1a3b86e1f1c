import SpindleCore
import SpindlePlugins

/// Any bytes as a signature, a list of signers, a list of revoked keys, and the pins.
enum TrustTarget {
    static func test(_ bytes: [UInt8]) {
        signature(bytes)
        signers(bytes)
        revoked(bytes)
        lock(bytes)
    }

    private static func signature(_ bytes: [UInt8]) {
        do throws(SSHFormatError) {
            let signature = try SSHSignature(armoured: bytes)
            check(!signature.key.algorithm.isEmpty && !signature.key.blob.isEmpty, "a signature has a key")
            check(signature.key.blob.count < SSHSignature.maxBytes, "a key is a part of its signature")
        } catch {
            sentence(error.reason)
        }
    }

    private static func signers(_ bytes: [UInt8]) {
        let signers = AllowedSigners(bytes, file: "allowed_signers")
        let lines = bytes.count { $0 == 10 } + 1
        check(signers.entries.count <= lines, "a line has one key")
        check(signers.problems.count <= 16, "problems have a bound")
        for problem in signers.problems { sentence(problem) }
        for entry in signers.entries {
            check(!entry.principals.isEmpty && (1...lines).contains(entry.line), "an entry has principals and a line")
            if let after = entry.validAfter, let before = entry.validBefore { check(after < before, "it ends after it begins") }
            // What we write is what we read.
            let again = AllowedSigners(Array("x \(entry.key.text)".utf8), file: "")
            check(again.entries.first?.key == entry.key, "a key keeps its text")
        }
    }

    private static func revoked(_ bytes: [UInt8]) {
        do throws(SSHFormatError) {
            let revoked = try RevokedSigners(bytes, file: "revoked_signers")
            // A list that is taken misses no key that a list of signers would find in it.
            for line in bytes.split(separator: 10) {
                if let key = AllowedSigners(Array("x ".utf8) + line, file: "").entries.first?.key, line.first != 35 {
                    let text = String(decoding: line, as: UTF8.self)
                    if text.contains(key.text), !text.contains("#") { check(revoked.contains(key), "a key on the list is revoked") }
                }
            }
        } catch {
            sentence(error.reason)
        }
    }

    private static func lock(_ bytes: [UInt8]) {
        do throws(SpindleError) {
            let lock = try PluginLock(bytes)
            check(lock.pins.values.allSatisfy { $0.sha256.utf8.count == 64 }, "a digest has 64 digits")
            check(lock.pins.count <= 1024, "pins have a bound")
        } catch {
            check(error.message.hasPrefix("plugins.lock"), "a refusal names the file: \(error.message)")
            sentence(error.message)
        }
    }
}
