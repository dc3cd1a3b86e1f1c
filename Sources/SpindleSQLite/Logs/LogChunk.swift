internal import SpindleCore

/// Log lines of one attempt as bytes: the unit in which they are stored.
///
/// A line is: sequence (8 bytes), time (8), level (1), stream (1), the message, the number of fields (2), their names and values. Integers are
/// little-endian; text is its length (4) and its UTF-8.
enum LogChunk {
    static func encode(_ records: some Sequence<LogRecord>) -> [UInt8] {
        var bytes: [UInt8] = []
        for record in records {
            bytes.add(record.sequence)
            bytes.add(record.at.microseconds)
            bytes.append(UInt8(record.line.level.rawValue))
            bytes.append(record.line.stream.rawValue)
            bytes.add(record.line.message)
            let fields = record.line.fields.prefix(Int(UInt16.max))
            bytes.add(UInt16(fields.count))
            for (name, value) in fields {
                bytes.add(name)
                bytes.add(value)
            }
        }
        return bytes
    }

    /// Reads the lines back; what is damaged ends the chunk.
    static func decode(_ bytes: [UInt8], _ key: AttemptKey) -> [LogRecord] {
        var cursor = Cursor(bytes: bytes)
        var records: [LogRecord] = []
        while let record = cursor.record(key) { records.append(record) }
        return records
    }

    private struct Cursor {
        let bytes: [UInt8]
        var position = 0

        mutating func record(_ key: AttemptKey) -> LogRecord? {
            guard let sequence: Int64 = integer(), let at: Int64 = integer(), let level: UInt8 = integer(),
                let stream: UInt8 = integer(), let message = text(), let count: UInt16 = integer()
            else { return nil }
            var fields: [(String, String)] = []
            for _ in 0..<count {
                guard let name = text(), let value = text() else { return nil }
                fields.append((name, value))
            }
            let line = LogLine(
                level: LogLevel(rawValue: Int32(level)) ?? .info,
                stream: LogStream(rawValue: stream) ?? .plugin,
                message: message,
                fields: fields
            )
            return LogRecord(key: key, sequence: sequence, at: Timestamp(microseconds: at), line: line)
        }

        private mutating func integer<Value: FixedWidthInteger>() -> Value? {
            let size = MemoryLayout<Value>.size
            guard bytes.count - position >= size else { return nil }
            defer { position += size }
            return bytes.withUnsafeBytes { Value(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: Value.self)) }
        }

        private mutating func text() -> String? {
            guard let count: UInt32 = integer(), bytes.count - position >= Int(count) else { return nil }
            defer { position += Int(count) }
            return String(decoding: bytes[position..<position + Int(count)], as: UTF8.self)
        }
    }
}

extension [UInt8] {
    fileprivate mutating func add<Value: FixedWidthInteger>(_ value: Value) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    fileprivate mutating func add(_ text: String) {
        add(UInt32(text.utf8.count))
        append(contentsOf: text.utf8)
    }
}
