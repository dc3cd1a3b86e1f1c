import Glibc
public import SpindleCore

/// Signatures of plugins, for the commands that make and verify them.
public enum PluginSignature {
    /// Who signed a file.
    public struct Signer: Hashable, Sendable {
        /// The principals of the line that lists the key.
        public var principals: String
        /// The key as `ssh-keygen -l` names it, with its kind before it.
        public var key: String
    }

    /// Verifies the signature of any file, wherever it lies and whoever owns it.
    ///
    /// - Parameters:
    ///   - file: The plugin.
    ///   - signature: Its signature; nil is the file's path with `.sig`.
    ///   - signers: Whose signatures count, in the form of `allowed_signers`.
    ///   - revoked: Keys that do not count any more, one a line; nil revokes none.
    ///   - principal: Who must have signed; nil takes anybody on the list.
    ///   - now: The time that validity is measured by.
    /// - Throws: `plugin` if the signature does not count; `configuration` if one of the files cannot be read.
    public static func verify(
        file: String,
        signature: String? = nil,
        signers: String,
        revoked: String? = nil,
        principal: String? = nil,
        now: Timestamp
    ) async throws -> Signer {
        try await Blocking.run {
            let image = try image(of: file)
            let list = try read(signers, AllowedSigners.maxBytes)
            let revokedBytes = try revoked.map { try read($0, AllowedSigners.maxBytes) }
            let signaturePath = signature ?? "\(file).sig"
            guard signature != nil || access(signaturePath, F_OK) == 0 || errno != ENOENT else {
                throw SpindleError(.plugin, "\(file) is not signed: there is no \(signaturePath).")
            }
            let bytes = try read(signaturePath, SSHSignature.maxBytes)
            do throws(PluginRefusal) {
                let rules = try SignerRules(
                    signers: list,
                    signersFile: signers,
                    revoked: revokedBytes,
                    revokedFile: revoked ?? ""
                )
                let entry = try rules.check(
                    bytes,
                    name: signaturePath,
                    of: image,
                    principal: principal,
                    now: now.microseconds / 1_000_000
                )
                return Signer(principals: entry.principals, key: entry.key.name)
            } catch {
                throw SpindleError(.plugin, "\(file) is not trusted: \(error.reason).")
            }
        }
    }

    static func image(of file: String) throws(SpindleError) -> SealedImage {
        let opened = try open(file)
        var status = stat()
        guard fstat(opened.number, &status) == 0 else {
            throw SpindleError(.configuration, "\(file) cannot be examined: \(SystemCall.lastError).")
        }
        do throws(PluginRefusal) {
            guard status.st_size >= 0, status.st_size <= SealedImage.maxSize else {
                throw PluginRefusal("it is larger than 256 MiB")
            }
            return try SealedImage(copying: opened, size: Int(status.st_size), digest: nil)
        } catch {
            throw SpindleError(.configuration, "\(file) cannot be read: \(error.reason).")
        }
    }

    static func read(_ path: String, _ maxBytes: Int) throws(SpindleError) -> [UInt8] {
        let opened = try open(path)
        let bytes: [UInt8]
        do throws(PluginRefusal) { bytes = try opened.read(path, atMost: maxBytes + 1) } catch {
            throw SpindleError(.configuration, "\(error.reason).")
        }
        guard bytes.count <= maxBytes else { throw SpindleError(.configuration, "\(path) has more than \(maxBytes) bytes.") }
        return bytes
    }

    /// Opens a regular file.
    private static func open(_ path: String) throws(SpindleError) -> Descriptor {
        let number = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard number >= 0 else { throw SpindleError(.configuration, "\(path) cannot be opened: \(SystemCall.lastError).") }
        let opened = Descriptor(number)
        var status = stat()
        guard fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw SpindleError(.configuration, "\(path) is not a regular file.")
        }
        return opened
    }
}
