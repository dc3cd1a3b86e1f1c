import Crypto
import Glibc
import SpindleCore
import SpindleWire
import Synchronization

/// The bytes of a plugin in memory that nobody can change any more: what was checked is what is loaded.
final class SealedImage: @unchecked Sendable {
    // Sendable: constants over memory that is sealed and mapped read-only.
    /// The memory file.
    let descriptor: Descriptor
    /// How long it is.
    let size: Int
    /// SHA-256 of the bytes, as 64 hexadecimal digits.
    let digest: String

    private let mapped: UnsafeMutableRawPointer

    /// No plugin is larger.
    static let maxSize = 256 * 1024 * 1024

    private static let nextLoadNumber = Mutex<Int32>(1000)

    /// Copies an open file.
    ///
    /// - Parameters:
    ///   - file: Any descriptor of a regular file.
    ///   - size: Its size.
    ///   - known: Its digest, if that is known already.
    init(copying file: Descriptor, size: Int, digest known: String?) throws(PluginRefusal) {
        guard size <= Self.maxSize else { throw PluginRefusal("it is larger than 256 MiB") }
        let memory = try Self.makeMemory()
        var hash = SHA256()
        try Self.copy(file, to: memory, size: size) { if known == nil { hash.update(bufferPointer: $0) } }
        guard sps_memory_seal(memory.number) == 0 else {
            throw PluginRefusal("its copy cannot be sealed: \(SystemCall.lastError)")
        }
        guard let mapped = mmap(nil, max(size, 1), PROT_READ, MAP_SHARED, memory.number, 0), mapped != MAP_FAILED else {
            throw PluginRefusal("its copy cannot be read: \(SystemCall.lastError)")
        }
        descriptor = memory
        self.size = size
        digest = known ?? Self.hexadecimal(hash.finalize())
        self.mapped = mapped
    }

    deinit { munmap(mapped, max(size, 1)) }

    /// The bytes in place.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: mapped, count: size) }

    /// A path under which this process can load the image. Its number is never used again: the dynamic loader knows
    /// libraries by their path and would give another plugin for the same one.
    func pathToLoad() throws(SpindleError) -> String {
        while true {
            let least = Self.nextLoadNumber.withLock { number in
                defer { number += 1 }
                return number
            }
            let number = fcntl(descriptor.number, F_DUPFD_CLOEXEC, least)
            guard number >= 0 else {
                throw SpindleError(.plugin, "No file descriptor is left for a plugin: \(SystemCall.lastError).")
            }
            Self.nextLoadNumber.withLock { $0 = max($0, number + 1) }
            // Stays open for ever, as the library stays loaded.
            return "/proc/self/fd/\(number)"
        }
    }

    private static func makeMemory() throws(PluginRefusal) -> Descriptor {
        let number = sps_memory_make("spindle-plugin")
        guard number >= 0 else { throw PluginRefusal("no memory for its copy: \(SystemCall.lastError)") }
        return Descriptor(number)
    }

    private static func copy(
        _ file: Descriptor,
        to memory: Descriptor,
        size: Int,
        _ see: (UnsafeRawBufferPointer) -> Void
    ) throws(PluginRefusal) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1024 * 1024, alignment: 16)
        defer { buffer.deallocate() }
        var done = 0
        while done < size {
            let got = SystemCall.retrying { pread(file.number, buffer.baseAddress, min(buffer.count, size - done), done) }
            guard got > 0 else {
                throw PluginRefusal(got == 0 ? "it shrank while it was read" : "it cannot be read: \(SystemCall.lastError)")
            }
            let piece = UnsafeRawBufferPointer(rebasing: buffer[0..<got])
            see(piece)
            var written = 0
            while written < got {
                let count = SystemCall.retrying {
                    pwrite(memory.number, piece.baseAddress.map { $0 + written }, got - written, done + written)
                }
                guard count > 0 else { throw PluginRefusal("no memory for its copy: \(SystemCall.lastError)") }
                written += count
            }
            done += got
        }
    }

    private static func hexadecimal(_ digest: SHA256.Digest) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
