import Glibc

extension TrustedDirectory {
    /// Writes a file of mode 0644 in one go: whoever reads it sees all of the old one or all of the new one. May block.
    ///
    /// - Throws: That it cannot be written, and why.
    func replace(_ name: String, with bytes: UnsafeRawBufferPointer) throws(PluginRefusal) {
        let temporary = ".\(name).\(getpid())"
        unlinkat(descriptor.number, temporary, 0)
        let number = openat(descriptor.number, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard number >= 0 else { throw PluginRefusal("\(path) cannot be written: \(SystemCall.lastError)") }
        let file = Descriptor(number)
        // Whatever the umask says.
        var isWritten = fchmod(number, 0o644) == 0
        var done = 0
        while isWritten, done < bytes.count {
            let count = SystemCall.retrying {
                Glibc.write(file.number, bytes.baseAddress.map { $0 + done }, bytes.count - done)
            }
            if count <= 0 { isWritten = false } else { done += count }
        }
        guard isWritten, fsync(number) == 0, renameat(descriptor.number, temporary, descriptor.number, name) == 0 else {
            let reason = SystemCall.lastError
            unlinkat(descriptor.number, temporary, 0)
            throw PluginRefusal("\(path)/\(name) cannot be written: \(reason)")
        }
    }
}
