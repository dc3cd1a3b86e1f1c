import Glibc
import SpindleWire

/// The bytes of one secret; overwritten when nobody holds them any more.
final class SecretValue: @unchecked Sendable {
    // Sendable: the bytes are written before anybody else sees the object, and never changed until it is gone.
    private let memory: UnsafeMutableRawBufferPointer
    let count: Int

    /// Copies bytes, which the caller overwrites.
    init(_ bytes: UnsafeRawBufferPointer) {
        memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 16)
        memory.copyMemory(from: bytes)
        count = bytes.count
    }

    deinit {
        sps_wipe(memory.baseAddress, memory.count)
        memory.deallocate()
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[..<count]) }

    /// Whether another one has the same bytes.
    func isSame(as other: SecretValue) -> Bool { bytes.elementsEqual(other.bytes) }
}

extension SecretValue: CustomStringConvertible {
    /// Never the bytes.
    var description: String { "***" }
}

/// A secret with its name.
struct NamedSecret: Sendable {
    let name: String
    let value: SecretValue
}
