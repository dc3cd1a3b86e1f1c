import Glibc
import SpindleCore
import SpindleWire

/// Builds frames for a worker. One thread at a time.
///
/// Text is copied into chunks that stay where they are until the frame is encoded, so that no closure has to hold it.
final class FrameWriter {
    private var chunks: [UnsafeMutableRawBufferPointer] = []
    private var current = 0
    private var used = 0
    private var holdsSecrets = false

    init() {}

    deinit { for chunk in chunks { chunk.deallocate() } }

    /// A copy of text, good until the next ``reset()``.
    func bytes(_ text: String) -> spw_bytes {
        var text = text
        return text.withUTF8 { copy(UnsafeRawBufferPointer($0)) }
    }

    /// A copy of text that may be absent.
    func bytes(_ text: String?) -> spw_bytes { text.map { bytes($0) } ?? spw_bytes() }

    /// A copy of bytes that may be absent.
    func bytes(_ bytes: [UInt8]?) -> spw_bytes {
        guard let bytes else { return spw_bytes() }
        return bytes.withUnsafeBytes { copy($0) }
    }

    /// A copy of names and values.
    func pairs(_ parameters: Parameters) -> spw_kvs {
        guard !parameters.isEmpty else { return spw_kvs() }
        let room = reserve(parameters.count * MemoryLayout<spw_kv>.stride)
        let items = room.bindMemory(to: spw_kv.self, capacity: parameters.count)
        for (index, entry) in parameters.entries.enumerated() {
            items[index] = spw_kv(key: bytes(entry.name), value: bytes(entry.value))
        }
        return spw_kvs(items: items, count: parameters.count)
    }

    /// A copy of texts.
    func list(_ texts: [String]) -> spw_list {
        guard !texts.isEmpty else { return spw_list() }
        let room = reserve(texts.count * MemoryLayout<spw_bytes>.stride)
        let items = room.bindMemory(to: spw_bytes.self, capacity: texts.count)
        for (index, text) in texts.enumerated() { items[index] = bytes(text) }
        return spw_list(items: items, count: texts.count)
    }

    /// A copy of secrets, overwritten by the next ``reset()``.
    func pairs(_ secrets: [NamedSecret]) -> spw_kvs {
        guard !secrets.isEmpty else { return spw_kvs() }
        holdsSecrets = true
        let room = reserve(secrets.count * MemoryLayout<spw_kv>.stride)
        let items = room.bindMemory(to: spw_kv.self, capacity: secrets.count)
        for (index, secret) in secrets.enumerated() {
            items[index] = spw_kv(key: bytes(secret.name), value: copy(secret.value.bytes))
        }
        return spw_kvs(items: items, count: secrets.count)
    }

    /// Forgets what was copied.
    func reset() {
        if holdsSecrets {
            for chunk in chunks { sps_wipe(chunk.baseAddress, chunk.count) }
            holdsSecrets = false
        }
        current = 0
        used = 0
        while chunks.count > 1, let last = chunks.popLast() { last.deallocate() }
    }

    private func copy(_ source: UnsafeRawBufferPointer) -> spw_bytes {
        guard source.count > 0, let base = source.baseAddress else { return spw_bytes() }
        let room = reserve(source.count)
        room.copyMemory(from: base, byteCount: source.count)
        return spw_bytes(ptr: UnsafeRawPointer(room), len: source.count)
    }

    private func reserve(_ count: Int) -> UnsafeMutableRawPointer {
        let size = (count + 15) & ~15
        while current < chunks.count {
            if chunks[current].count - used >= size, let base = chunks[current].baseAddress {
                defer { used += size }
                return base + used
            }
            current += 1
            used = 0
        }
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: max(size, 64 * 1024), alignment: 16)
        chunks.append(chunk)
        guard let base = chunk.baseAddress else { preconditionFailure("an allocation of more than 0 bytes") }
        used = size
        return base
    }
}

/// Frames that wait to be sent on one socket. One thread at a time.
final class FrameQueue {
    private var buffer = spw_buffer()
    private var holdsSecrets = false

    init() {}

    deinit { spw_buffer_free(&buffer) }

    /// Whether there is nothing to send.
    var isEmpty: Bool { buffer.length == 0 }

    /// Bytes that wait to be sent.
    var byteCount: Int { buffer.length }

    /// Adds a frame with a message.
    ///
    /// - Returns: False if it does not fit into a frame; nothing was added then.
    func add<Message>(_ type: FrameType, _ handle: UInt64, _ message: Message) -> Bool {
        withUnsafePointer(to: message) {
            spw_encode(&buffer, type.rawValue, 0, handle, $0) == Int32(SPW_OK)
        }
    }

    /// Adds a frame that may hold secrets: what is left of it in memory is overwritten once it was sent.
    func add<Message>(_ type: FrameType, _ handle: UInt64, _ message: Message, holdsSecrets isSecret: Bool) -> Bool {
        if isSecret { holdsSecrets = true }
        return add(type, handle, message)
    }

    /// Adds a frame without a message.
    func add(_ type: FrameType, _ handle: UInt64) -> Bool {
        spw_encode(&buffer, type.rawValue, 0, handle, nil) == Int32(SPW_OK)
    }

    /// How a write ended.
    enum Sent { case all, full, closed }

    /// Writes what fits, without waiting.
    func send(to descriptor: Int32) -> Sent {
        let status = spw_write(descriptor, &buffer, 1)
        if holdsSecrets {
            spw_buffer_wipe(&buffer)
            holdsSecrets = buffer.length > 0
        }
        return switch status {
        case Int32(SPW_OK): .all
        case Int32(SPW_MORE): .full
        default: .closed
        }
    }
}
