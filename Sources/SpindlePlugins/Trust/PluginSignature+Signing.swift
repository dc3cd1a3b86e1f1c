import Glibc
import SpindleCore

extension PluginSignature {
    /// Signs a file with OpenSSH's `ssh-keygen`, which asks for a passphrase or an agent as it always does.
    ///
    /// - Parameters:
    ///   - file: The plugin.
    ///   - key: The private key, or the public one of a key that an agent holds.
    /// - Returns: Where the signature is: the file's path with `.sig`. One that is there already is replaced.
    /// - Throws: `plugin` if there is no `ssh-keygen` or it does not sign.
    public static func sign(file: String, key: String) async throws -> String {
        try await Blocking.run {
            let image = try image(of: file)
            let bytes = try keygen(key, image)
            let signature: SSHSignature
            do throws(SSHFormatError) {
                signature = try SSHSignature(armoured: bytes)
                // What would be refused later is better told now.
                try signature.verify(image.bytes)
            } catch {
                throw SpindleError(.plugin, "The signature that ssh-keygen made of \(file) is of no use: \(error.reason).")
            }
            return try write(bytes, to: "\(file).sig")
        }
    }

    /// Runs `ssh-keygen` on the bytes, and gives what it writes.
    private static func keygen(_ key: String, _ image: SealedImage) throws(SpindleError) -> [UInt8] {
        var ends: [Int32] = [-1, -1]
        // Not a pipe: Swift's Glibc has no `pipe2`, and another child must not inherit an end.
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw SpindleError(.plugin, "No connection to ssh-keygen: \(SystemCall.lastError).")
        }
        let output = Descriptor(ends[0])
        // Another open file: the offset of the image's own must stay where it is.
        let source = Glibc.open("/proc/self/fd/\(image.descriptor.number)", O_RDONLY | O_CLOEXEC)
        guard source >= 0 else {
            close(ends[1])
            throw SpindleError(.plugin, "The copy cannot be read: \(SystemCall.lastError).")
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, source, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        let words = ["ssh-keygen", "-Y", "sign", "-q", "-n", SSHSignature.pluginNamespace, "-f", key]
        let arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var pid: pid_t = 0
        let started = posix_spawnp(&pid, "ssh-keygen", &actions, nil, arguments, environ)
        for word in arguments { free(word) }
        posix_spawn_file_actions_destroy(&actions)
        close(source)
        close(ends[1])
        guard started == 0 else {
            let hint = started == ENOENT ? "it is not installed; it comes with OpenSSH (openssh-client)" : SystemCall.text(started)
            throw SpindleError(.plugin, "ssh-keygen cannot be started: \(hint).")
        }
        let bytes = (try? output.read("its output", atMost: SSHSignature.maxBytes)) ?? []
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        guard status == 0, !bytes.isEmpty else {
            throw SpindleError(.plugin, "ssh-keygen did not sign with \(key); what it wrote above says why.")
        }
        return bytes
    }

    private static func write(_ bytes: [UInt8], to path: String) throws(SpindleError) -> String {
        let temporary = "\(path).\(getpid())"
        unlink(temporary)
        let number = Glibc.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard number >= 0 else { throw SpindleError(.plugin, "\(path) cannot be written: \(SystemCall.lastError).") }
        let file = Descriptor(number)
        guard fchmod(number, 0o644) == 0, SystemCall.retrying({ Glibc.write(file.number, bytes, bytes.count) }) == bytes.count,
            rename(temporary, path) == 0
        else {
            let reason = SystemCall.lastError
            unlink(temporary)
            throw SpindleError(.plugin, "\(path) cannot be written: \(reason).")
        }
        return path
    }
}
