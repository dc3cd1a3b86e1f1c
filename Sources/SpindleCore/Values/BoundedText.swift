extension String {
    /// The longest beginning of at most so many bytes of UTF-8 that ends between two scalars.
    package func cut(toBytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var end = utf8.index(utf8.startIndex, offsetBy: max(limit, 0))
        while end > utf8.startIndex, utf8[end] & 0xC0 == 0x80 { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}

extension LogLine {
    /// The line within ``Limits/logLine``: the message is cut, and fields that do not fit beside it are left out.
    package var bounded: LogLine {
        var room = Limits.logLine
        if fields.reduce(message.utf8.count, { $0 + $1.0.utf8.count + $1.1.utf8.count }) <= room { return self }
        var line = self
        line.message = message.cut(toBytes: room)
        room -= line.message.utf8.count
        line.fields = fields.filter { name, value in
            let size = name.utf8.count + value.utf8.count
            guard size <= room else { return false }
            room -= size
            return true
        }
        return line
    }
}

extension ExecutionResult {
    /// The result within ``Limits``, as the plugin ABI has it: texts for people are cut, and what may not be cut makes it a permanent
    /// failure.
    package var bounded: ExecutionResult {
        if let output, output.bytes.count > Limits.payload {
            return .tooLarge("output", output.bytes.count, Limits.payload)
        }
        let metadataBytes = metadata.reduce(0) { $0 + $1.key.utf8.count + $1.value.byteCount }
        if metadataBytes > Limits.metadata { return .tooLarge("metadata", metadataBytes, Limits.metadata) }
        var result = self
        result.metadata = metadata.mapValues(\.finite)
        result.errorCode = Self.codeText(errorCode)
        result.errorMessage = errorMessage?.cut(toBytes: Limits.message)
        result.stackTrace = stackTrace?.cut(toBytes: Limits.stackTrace)
        if let details, details.utf8.count > Limits.details { result.details = nil }
        return result
    }

    private static func tooLarge(_ what: String, _ size: Int, _ limit: Int) -> ExecutionResult {
        .permanent("The \(what) of the attempt has \(size) bytes; at most \(limit) are allowed.", code: "spindle.too_large")
    }

    /// A code as the ABI writes them: `[a-z0-9._-]{1,64}`.
    private static func codeText(_ code: String?) -> String? {
        guard let code, !code.isEmpty else { return nil }
        let bytes = code.utf8.prefix(64).map { byte in
            switch byte {
            case 65...90: byte + 32
            case 48...57, 97...122, UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): byte
            default: UInt8(ascii: "-")
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension JSONValue {
    /// About as many bytes as it has in JSON.
    fileprivate var byteCount: Int {
        switch self {
        case .null, .bool: 5
        case .int, .double: 20
        case .string(let text): text.utf8.count + 2
        case .array(let values): values.reduce(2) { $0 + $1.byteCount + 1 }
        case .object(let values): values.reduce(2) { $0 + $1.key.utf8.count + $1.value.byteCount + 4 }
        }
    }

    /// The same without infinities and NaN, which JSON cannot write.
    fileprivate var finite: JSONValue {
        switch self {
        case .double(let value) where !value.isFinite: .null
        case .array(let values): .array(values.map(\.finite))
        case .object(let values): .object(values.mapValues(\.finite))
        default: self
        }
    }
}
