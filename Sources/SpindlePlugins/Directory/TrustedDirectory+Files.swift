import Glibc
import SpindleCore

extension TrustedDirectory {
    /// Reads a small file that says what is to be believed: it must belong to root or to us, and be closed to others.
    ///
    /// - Parameters:
    ///   - name: A name in the directory.
    ///   - maxBytes: One that is longer is refused.
    /// - Returns: Nil if there is no such file.
    func read(_ name: String, maxBytes: Int) throws(PluginRefusal) -> [UInt8]? {
        let number = openat(descriptor.number, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY)
        if number < 0 && errno == ENOENT { return nil }
        guard number >= 0 else { throw PluginRefusal("\(name) cannot be opened: \(SystemCall.lastError)") }
        let opened = Descriptor(number)
        var status = stat()
        guard fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw PluginRefusal("\(name) is not a regular file")
        }
        guard status.st_uid == 0 || status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
            throw PluginRefusal("\(name) belongs to another user or can be written by others")
        }
        let bytes = try opened.read(name, atMost: maxBytes + 1)
        guard bytes.count <= maxBytes else { throw PluginRefusal("\(name) has more than \(maxBytes) bytes") }
        return bytes
    }

    /// Replaces a file as a whole: whoever reads it sees all of the old one or all of the new one. May block.
    ///
    /// - Throws: That it cannot be written, and why.
    func replace(_ name: String, with bytes: UnsafeRawBufferPointer, mode: mode_t = 0o644) throws(PluginRefusal) {
        let temporary = ".\(name).\(getpid())"
        unlinkat(descriptor.number, temporary, 0)
        let number = openat(descriptor.number, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        guard number >= 0 else { throw PluginRefusal("\(path)/\(name) cannot be written: \(SystemCall.lastError)") }
        let file = Descriptor(number)
        // Whatever the umask says.
        var isWritten = fchmod(file.number, mode) == 0
        var done = 0
        while isWritten, done < bytes.count {
            let count = SystemCall.retrying {
                write(file.number, bytes.baseAddress.map { $0 + done }, bytes.count - done)
            }
            if count <= 0 { isWritten = false } else { done += count }
        }
        guard isWritten, fsync(file.number) == 0, renameat(descriptor.number, temporary, descriptor.number, name) == 0 else {
            let reason = SystemCall.lastError
            unlinkat(descriptor.number, temporary, 0)
            throw PluginRefusal("\(path)/\(name) cannot be written: \(reason)")
        }
    }

    /// The same for a small file.
    func replace(_ name: String, with bytes: [UInt8], mode: mode_t = 0o644) throws(PluginRefusal) {
        let written = bytes.withUnsafeBytes { bytes in
            Result { () throws(PluginRefusal) in try replace(name, with: bytes, mode: mode) }
        }
        try written.get()
    }

    /// Lets one at a time change files that are read first. May block.
    func whileLocked<Value>(_ body: () throws(PluginRefusal) -> Value) throws(PluginRefusal) -> Value {
        guard SystemCall.retrying({ Int(flock(descriptor.number, LOCK_EX)) }) == 0 else {
            throw PluginRefusal("\(path) cannot be locked: \(SystemCall.lastError)")
        }
        defer { flock(descriptor.number, LOCK_UN) }
        return try body()
    }
}

extension Descriptor {
    /// Reads from the start to the end, or until there are so many bytes.
    func read(_ name: String, atMost limit: Int) throws(PluginRefusal) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                SystemCall.retrying { Glibc.read(number, buffer.baseAddress.map { $0 + count }, buffer.count - count) }
            }
            if got < 0 { throw PluginRefusal("\(name) cannot be read: \(SystemCall.lastError)") }
            if got == 0 { break }
            count += got
        }
        return Array(bytes.prefix(count))
    }
}
