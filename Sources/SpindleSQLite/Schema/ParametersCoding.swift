internal import SpindleCore

/// Parameters as bytes: a version, a count, then names and values, each with its length before it (LEB128).
///
/// Not JSON, because every submission and every claim passes through here.
enum ParametersCoding {
    /// The longest form that stands in the row of its execution.
    static let inlineLimit = 512
    private static let version: UInt8 = 1

    static func encode(_ parameters: Parameters) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(parameters.byteCount + 4 * parameters.count + 4)
        bytes.append(version)
        append(parameters.count, &bytes)
        for entry in parameters.entries {
            append(entry.name, &bytes)
            append(entry.value, &bytes)
        }
        return bytes
    }

    private static func append(_ text: String, _ bytes: inout [UInt8]) {
        append(text.utf8.count, &bytes)
        bytes.append(contentsOf: text.utf8)
    }

    private static func append(_ number: Int, _ bytes: inout [UInt8]) {
        var rest = UInt(number)
        while rest > 0x7F {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Reads such bytes; broken ones give nil.
    static func decode(_ bytes: UnsafeRawBufferPointer) -> Parameters? {
        guard let first = bytes.first else { return Parameters() }
        guard first == version else { return nil }
        var position = 1
        guard let count = number(bytes, &position), count <= bytes.count else { return nil }
        var entries: [Parameters.Entry] = []
        entries.reserveCapacity(count)
        for _ in 0..<count {
            guard let name = text(bytes, &position), let value = text(bytes, &position) else { return nil }
            entries.append(Parameters.Entry(name: name, value: value))
        }
        return position == bytes.count ? Parameters(trusted: entries) : nil
    }

    private static func text(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> String? {
        guard let count = number(bytes, &position), count <= bytes.count - position else { return nil }
        defer { position += count }
        return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[position..<(position + count)]), as: UTF8.self)
    }

    private static func number(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> Int? {
        var result: UInt = 0
        var shift: UInt = 0
        while position < bytes.count, shift < 35 {
            let byte = bytes[position]
            position += 1
            result |= UInt(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return Int(result) }
            shift += 7
        }
        return nil
    }
}
