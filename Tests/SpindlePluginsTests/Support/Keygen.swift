import FoundationEssentials
import Glibc
import Testing

/// Keys and signatures made by the real `ssh-keygen`, in a directory of a test.
struct Keygen {
    let directory: String

    /// A key of a kind that `ssh-keygen -t` takes; gives the path of the private one.
    func key(_ name: String, _ kind: String = "ed25519", bits: Int? = nil) throws -> String {
        let path = "\(directory)/\(name)"
        let size = bits.map { ["-b", "\($0)"] } ?? []
        let words = ["ssh-keygen", "-q", "-t", kind] + size + ["-N", "", "-C", "\(name)@example.com", "-f", path]
        try #require(Workspace.run(words) == 0, "\(words.joined(separator: " "))")
        return path
    }

    /// The public key as it stands in its file: kind, base 64, comment.
    func publicKey(_ key: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: "\(key).pub")), as: UTF8.self)
            .split(separator: "\n").joined()
    }

    /// Signs a file; the signature is beside it, and given.
    @discardableResult
    func sign(_ file: String, with key: String, namespace: String = "spindle-plugin", hash: String? = nil) throws -> [UInt8] {
        unlink("\(file).sig")
        let option = hash.map { ["-O", "hashalg=\($0)"] } ?? []
        let words = ["ssh-keygen", "-q", "-Y", "sign"] + option + ["-n", namespace, "-f", key, file]
        try #require(Workspace.run(["sh", "-c", "exec \"$@\" 2>/dev/null", "sh"] + words) == 0, "\(words.joined(separator: " "))")
        try #require(chmod("\(file).sig", 0o644) == 0)
        return [UInt8](try Data(contentsOf: URL(filePath: "\(file).sig")))
    }

    /// What `ssh-keygen -Y verify` says about a signature.
    func verifies(
        _ file: String,
        _ signature: String,
        signers: String,
        principal: String,
        revoked: String? = nil,
        namespace: String = "spindle-plugin"
    ) -> Bool {
        let list = revoked.map { ["-r", $0] } ?? []
        let words =
            ["ssh-keygen", "-Y", "verify", "-f", signers, "-I", principal, "-n", namespace, "-s", signature] + list
        return Workspace.run(["sh", "-c", "input=$1; shift; exec \"$@\" <\"$input\" >/dev/null 2>&1", "sh", file] + words) == 0
    }

    func write(_ text: String, to name: String) throws -> String {
        let path = "\(directory)/\(name)"
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }
}
