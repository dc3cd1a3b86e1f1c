import Glibc
import SpindleCore
import SpindleWire

/// Why a secret cannot be given to an attempt.
struct SecretFailure: Error, Hashable {
    let code: String
    let message: String
    var isRetryable = false

    /// What the attempt gets instead of being run.
    var result: ExecutionResult {
        ExecutionResult(class: isRetryable ? .retryable : .permanent, errorCode: code, errorMessage: message)
    }

    static func denied(_ name: String, plugin: String) -> SecretFailure {
        SecretFailure(
            code: "spindle.secret.denied",
            message: "The secret \"\(name)\" is not granted to \(plugin); its sidecar must list it: secrets: [\(name)]."
        )
    }

    static func malformed(_ name: String) -> SecretFailure {
        SecretFailure(
            code: "spindle.secret.name",
            message: "\"secret://\(name.prefix(64))\" names no secret: letters, digits, _, . and - are wanted, at most 128."
        )
    }
}

/// Where secrets come from: a directory with a file for each.
struct SecretSource: Hashable, Sendable {
    let directory: String
    /// Set if systemd made it: its files may belong to a group that has nobody in it.
    let isCredentials: Bool

    static let sizes = 8...65_536

    /// Reads a secret. May block.
    ///
    /// One line end at the end of the file is not part of it: editors and `echo` put it there.
    func read(_ name: String) throws(SecretFailure) -> SecretValue {
        let file = try open(name)
        var status = stat()
        guard fstat(file.number, &status) == 0 else { throw unusable(name, "it cannot be examined: \(SystemCall.lastError)") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw unusable(name, "it is not a regular file") }
        guard status.st_uid == 0 || status.st_uid == geteuid() else {
            throw unusable(name, "it belongs to user \(status.st_uid)")
        }
        // systemd lets the service's user in by an access list, which shows as the rights of the group.
        let closed: mode_t = isCredentials && status.st_uid == 0 ? 0o037 : 0o077
        guard status.st_mode & closed == 0 else {
            throw unusable(name, "others can read it (mode \(FileMode.text(status.st_mode))); chmod 0400 it")
        }
        guard status.st_size <= Self.sizes.upperBound + 2 else {
            throw unusable(name, "it has more than \(Self.sizes.upperBound) bytes")
        }
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.sizes.upperBound + 3, alignment: 16)
        defer {
            sps_wipe(room.baseAddress, room.count)
            room.deallocate()
        }
        var count = 0
        while count < room.count {
            let got = SystemCall.retrying { Glibc.read(file.number, room.baseAddress.map { $0 + count }, room.count - count) }
            if got < 0 { throw unusable(name, "it cannot be read: \(SystemCall.lastError)", isRetryable: true) }
            if got == 0 { break }
            count += got
        }
        if count > 0, room[count - 1] == 10 {
            count -= 1
            if count > 0, room[count - 1] == 13 { count -= 1 }
        }
        guard Self.sizes.contains(count) else {
            throw unusable(name, "it has \(count) bytes; \(Self.sizes.lowerBound) to \(Self.sizes.upperBound) are allowed")
        }
        return SecretValue(UnsafeRawBufferPointer(rebasing: room[..<count]))
    }

    private func open(_ name: String) throws(SecretFailure) -> Descriptor {
        let trusted: TrustedDirectory
        do throws(PluginRefusal) { trusted = try TrustedDirectory(directory) } catch {
            throw SecretFailure(
                code: "spindle.secret.unusable",
                message: "The directory of the secrets is not used: \(error.reason)."
            )
        }
        let number = openat(trusted.descriptor.number, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY)
        guard number >= 0 else {
            if errno == ENOENT {
                throw SecretFailure(code: "spindle.secret.missing", message: "There is no secret \"\(name)\" in \(directory).")
            }
            throw unusable(name, "it cannot be opened: \(SystemCall.lastError)", isRetryable: errno == EMFILE || errno == ENFILE)
        }
        return Descriptor(number)
    }

    private func unusable(_ name: String, _ reason: String, isRetryable: Bool = false) -> SecretFailure {
        SecretFailure(
            code: "spindle.secret.unusable",
            message: "The secret \"\(name)\" in \(directory) is not used: \(reason).",
            isRetryable: isRetryable
        )
    }
}
