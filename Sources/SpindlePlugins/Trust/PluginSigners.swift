import Glibc
import SpindleCore

/// Changes whose signatures count in a plugin directory.
public enum PluginSigners {
    /// Adds a key to `allowed_signers` of a plugin directory, for signatures of plugins alone.
    ///
    /// - Parameters:
    ///   - publicKey: A file with one public key, as `ssh-keygen` writes it (`.pub`).
    ///   - principal: Who signs with it: a name without blanks, commas, quotes and patterns.
    ///   - validAfter: From when it counts: `YYYYMMDD[HHMM[SS]][Z]`; nil is always.
    ///   - validBefore: Until when it counts, in the same form; nil is for ever.
    ///   - directory: The plugin directory.
    /// - Returns: The line that was added.
    /// - Throws: `plugin` or `configuration` if one of them is wrong, or the key is there already.
    public static func trust(
        publicKey: String,
        principal: String,
        validAfter: String? = nil,
        validBefore: String? = nil,
        in directory: String
    ) async throws -> String {
        try await Blocking.run {
            let text = String(decoding: try PluginSignature.read(publicKey, SSHPublicKey.maxBytes * 2), as: UTF8.self)
            let line = try line(text, publicKey, principal, validAfter, validBefore)
            do throws(PluginRefusal) {
                try add(line, to: try TrustedDirectory(directory))
            } catch {
                throw SpindleError(.plugin, "\(publicKey) is not added: \(error.reason).")
            }
            return line
        }
    }

    private static func line(
        _ text: String,
        _ file: String,
        _ principal: String,
        _ validAfter: String?,
        _ validBefore: String?
    ) throws(SpindleError) -> String {
        let isPlain = principal.unicodeScalars.allSatisfy {
            $0.value > 32 && $0.value != 127 && !",\"!*?#".unicodeScalars.contains($0)
        }
        guard isPlain, (1...256).contains(principal.utf8.count) else {
            throw SpindleError(
                .configuration,
                "\"\(principal)\" is no name for a signer: no blanks, commas, quotes, !, *, ? and #."
            )
        }
        let key: SSHPublicKey
        do throws(SSHFormatError) {
            let lines = text.split(whereSeparator: \.isNewline).map(\.trimmingBlanks).filter { !$0.isEmpty && !$0.hasPrefix("#") }
            guard lines.count == 1 else { throw SSHFormatError("one public key is wanted; there are \(lines.count) lines") }
            key = try SSHPublicKey.read(lines[0]).key
        } catch {
            throw SpindleError(.configuration, "\(file) is not used: \(error.reason).")
        }
        guard key.material != .other else {
            throw SpindleError(
                .configuration,
                "\(file) is of the kind \(key.algorithm), whose signatures are not supported; use ssh-ed25519."
            )
        }
        var options = "namespaces=\"\(SSHSignature.pluginNamespace)\""
        for (name, time) in [("valid-after", validAfter), ("valid-before", validBefore)] {
            guard let time else { continue }
            guard SSHTime.seconds(time) != nil else {
                throw SpindleError(
                    .configuration,
                    "\"\(time)\" is not a time: YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS is wanted, and Z for UTC."
                )
            }
            options += ",\(name)=\"\(time)\""
        }
        let line = "\(principal) \(options) \(key.text)"
        // The reader must take what the writer wrote; it also knows an end before the start.
        let read = AllowedSigners(Array(line.utf8), file: file)
        guard read.entries.count == 1 else {
            throw SpindleError(.configuration, "\(read.problems.first ?? "The line cannot be read").")
        }
        return line
    }

    private static func add(_ line: String, to directory: TrustedDirectory) throws(PluginRefusal) {
        try directory.whileLocked { () throws(PluginRefusal) in
            let name = TrustRules.signersFile
            var bytes = try directory.read(name, maxBytes: AllowedSigners.maxBytes) ?? []
            let new = AllowedSigners(Array(line.utf8), file: name).entries.first
            if let known = AllowedSigners(bytes, file: name).entries.first(where: { $0.key == new?.key }) {
                throw PluginRefusal("\(name):\(known.line) has the key already; change that line")
            }
            if let last = bytes.last, last != 10 { bytes.append(10) }
            bytes += Array(line.utf8) + [10]
            guard bytes.count <= AllowedSigners.maxBytes else { throw PluginRefusal("\(name) would be too long") }
            try directory.replace(name, with: bytes)
        }
    }
}
