import FoundationEssentials
import Glibc
import SpindleCore

/// A small file of facts that can be found out again: read if it is ours alone, replaced as a whole.
struct CacheFile<Value: Codable> {
    let path: String
    private(set) var entries: [String: Value] = [:]
    private var isChanged = false

    /// Reads the file; one that is missing, broken or open to others counts as empty.
    init(path: String) {
        self.path = path
        let number = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard number >= 0 else { return }
        let file = Descriptor(number)
        var status = stat()
        guard fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(),
            status.st_mode & 0o077 == 0, status.st_size <= 16 * 1024 * 1024
        else { return }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        let got = SystemCall.retrying { read(file.number, &bytes, bytes.count) }
        guard got == bytes.count else { return }
        if let decoded = try? JSONDecoder().decode([String: Value].self, from: Data(bytes)) { entries = decoded }
    }

    subscript(_ key: String) -> Value? {
        get { entries[key] }
        set {
            if newValue != nil && entries.count >= 1024 { entries = [:] }
            entries[key] = newValue
            isChanged = true
        }
    }

    /// Writes the file if anything changed.
    ///
    /// - Throws: ``SpindleError`` that says why it cannot be written.
    mutating func save() throws(SpindleError) {
        guard isChanged else { return }
        isChanged = false
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(entries) else { return }
        let temporary = "\(path).\(getpid())"
        unlink(temporary)
        let number = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard number >= 0 else {
            throw SpindleError(.plugin, "\(temporary) cannot be written: \(SystemCall.lastError).")
        }
        let file = Descriptor(number)
        let bytes = [UInt8](data)
        let written = SystemCall.retrying { write(file.number, bytes, bytes.count) }
        guard written == bytes.count, rename(temporary, path) == 0 else {
            let reason = SystemCall.lastError
            unlink(temporary)
            throw SpindleError(.plugin, "\(path) cannot be written: \(reason).")
        }
    }
}
