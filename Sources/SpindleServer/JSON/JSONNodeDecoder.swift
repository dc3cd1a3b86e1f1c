import SpindleCore

/// Gives a ``JSONNode`` to `Decodable` types, with the errors of Foundation's decoder.
struct JSONNodeDecoder: Decoder {
    let node: JSONNode
    let path: JSONPath?

    var codingPath: [any CodingKey] { JSONPath.keys(path) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    /// Of its members, if it is an object.
    var names: [String] {
        guard case .object(let members) = node else { return [] }
        return members.list.map { $0.name }
    }

    /// Reads a value of a type from JSON text.
    ///
    /// - Throws: `invalidRequest` for what is no JSON, `DecodingError`, and what the type throws.
    static func decode<Value: Decodable>(_ type: Value.Type, _ bytes: UnsafeBufferPointer<UInt8>) throws -> Value {
        try JSONNodeDecoder(node: try JSONParser.node(bytes), path: nil).decode(type)
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .object(let members) = node else { throw mismatch([String: Any].self) }
        return KeyedDecodingContainer(JSONKeyedContainer<Key>(members: members, path: path))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .list(let items) = node else { throw mismatch([Any].self) }
        return JSONListContainer(items: items, path: path)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    /// The node has another kind than the type.
    private func mismatch(_ type: Any.Type) -> DecodingError {
        let context = DecodingError.Context(codingPath: codingPath, debugDescription: "The JSON value is of another kind.")
        if case .null = node { return .valueNotFound(type, context) }
        return .typeMismatch(type, context)
    }

    private func integer<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Number {
        guard case .number(let written) = node else { throw mismatch(type) }
        if let number = written.integer(type) { return number }
        throw unfit(written, type)
    }

    private func real<Number: BinaryFloatingPoint & LosslessStringConvertible>(_ type: Number.Type) throws -> Number {
        guard case .number(let written) = node else { throw mismatch(type) }
        if let number = written.real(type) { return number }
        throw unfit(written, type)
    }

    private func unfit(_ number: JSONNumber, _ type: Any.Type) -> DecodingError {
        .dataCorrupted(.init(codingPath: codingPath, debugDescription: "\(number.text.prefix(64)) is no \(type)."))
    }

    /// The value as it is, without asking for each type that it could have.
    private func value() throws -> JSONValue {
        switch node {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .text(let text): return .string(text)
        case .number(let number):
            if let whole = number.integer(Int64.self) { return .int(whole) }
            return .double(try real(Double.self))
        case .list(let items): return .array(try items.map { try JSONNodeDecoder(node: $0, path: path).value() })
        case .object(let members):
            let pairs = try members.list.map { ($0.name, try JSONNodeDecoder(node: $0.value, path: path).value()) }
            return .object(Dictionary(pairs, uniquingKeysWith: { first, _ in first }))
        }
    }
}

extension JSONNodeDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool {
        if case .null = node { true } else { false }
    }

    func decode(_ type: Bool.Type) throws -> Bool {
        guard case .bool(let value) = node else { throw mismatch(type) }
        return value
    }

    func decode(_ type: String.Type) throws -> String {
        guard case .text(let text) = node else { throw mismatch(type) }
        return text
    }

    func decode(_ type: Double.Type) throws -> Double { try real(type) }
    func decode(_ type: Float.Type) throws -> Float { try real(type) }
    func decode(_ type: Int.Type) throws -> Int { try integer(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try integer(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try integer(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try integer(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try integer(type) }
    func decode(_ type: UInt.Type) throws -> UInt { try integer(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try integer(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try integer(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try integer(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try integer(type) }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if type == JSONValue.self, let value = try value() as? Value { return value }
        return try Value(from: self)
    }
}

/// Where a value stands, from the inside out: written down only when something is wrong there.
final class JSONPath {
    private let key: any CodingKey
    private let parent: JSONPath?

    init(_ key: any CodingKey, in parent: JSONPath?) {
        self.key = key
        self.parent = parent
    }

    static func keys(_ path: JSONPath?) -> [any CodingKey] {
        var keys: [any CodingKey] = []
        var path = path
        while let place = path {
            keys.append(place.key)
            path = place.parent
        }
        return keys.reversed()
    }
}
