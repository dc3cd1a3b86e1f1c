public import SpindleCore

/// A duration in JSON: written as text such as `"10s"`, read from text or from a number of seconds.
public struct DurationBody: Codable, Hashable, Sendable {
    /// The duration.
    public var microseconds: Int64

    /// Wraps a duration.
    public init(microseconds: Int64) { self.microseconds = microseconds }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let value = DurationText.microseconds(text, in: 0...Int64.max) else {
            throw SpindleError(.invalidRequest, "\"\(text.prefix(64))\" is not a duration.")
        }
        microseconds = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(DurationText.text(microseconds))
    }
}

/// A moment in JSON: RFC 3339 in UTC.
public struct TimeBody: Codable, Hashable, Sendable {
    /// The moment.
    public var timestamp: Timestamp

    /// Wraps a moment.
    public init(_ timestamp: Timestamp) { self.timestamp = timestamp }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard text.utf8.count <= 64, let timestamp = Timestamp(rfc3339: text) else {
            throw SpindleError(
                .invalidRequest,
                "\"\(text.prefix(64))\" is not a time; write it like 2026-11-23T10:00:00Z (RFC 3339)."
            )
        }
        self.timestamp = timestamp
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(timestamp.rfc3339)
    }
}

/// Parameters in JSON: an object whose values are text; numbers and truth values are accepted and become text.
public struct ParametersBody: Codable, Hashable, Sendable, ExpressibleByDictionaryLiteral {
    /// Names and values; sorted by name when they come from JSON, whose objects have no order.
    public var parameters: Parameters

    /// Wraps parameters.
    public init(_ parameters: Parameters) { self.parameters = parameters }

    /// Takes names and values.
    public init(dictionaryLiteral elements: (String, String)...) {
        parameters = Parameters(Dictionary(elements, uniquingKeysWith: { $1 }))
    }

    public init(from decoder: any Decoder) throws {
        let container: KeyedDecodingContainer<AnyKey>
        do {
            container = try decoder.container(keyedBy: AnyKey.self)
        } catch is DecodingError {
            throw SpindleError(.invalidRequest, "\"parameters\" must be a JSON object of names and texts.")
        }
        guard container.allKeys.count <= Limits.parameterCount else {
            throw SpindleError(
                .invalidRequest,
                "\(container.allKeys.count) parameters were given; at most \(Limits.parameterCount) are allowed."
            )
        }
        var values: [String: String] = [:]
        for key in container.allKeys { values[key.stringValue] = try Self.text(key, container) }
        parameters = Parameters(values)
    }

    private static func text(_ key: AnyKey, _ container: KeyedDecodingContainer<AnyKey>) throws -> String {
        if let text = try? container.decode(String.self, forKey: key) { return text }
        if let flag = try? container.decode(Bool.self, forKey: key) { return String(flag) }
        if let number = try? container.decode(Int64.self, forKey: key) { return String(number) }
        if let number = try? container.decode(UInt64.self, forKey: key) { return String(number) }
        if let number = try? container.decode(Double.self, forKey: key), number.isFinite { return String(number) }
        throw SpindleError(
            .invalidRequest,
            "The parameter \"\(key.stringValue.prefix(128))\" must be text (a number or a truth value is turned into text)."
        )
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: AnyKey.self)
        for entry in parameters.entries { try container.encode(entry.value, forKey: AnyKey(stringValue: entry.name)) }
    }
}

/// Another execution that must end first: `"ID"`, `"ID:failed"`, or an object with `id` and `on`.
public struct DependencyBody: Codable, Hashable, Sendable {
    /// The execution waited for: its id, or a unique beginning or end of it.
    public var id: String
    /// On which of its ends to run.
    public var on: DependencyCondition

    enum CodingKeys: String, CodingKey, CaseIterable { case id, on }

    /// Waits for an execution.
    public init(id: String, on: DependencyCondition = .succeeded) {
        self.id = id
        self.on = on
    }

    /// Reads `ID` or `ID:CONDITION`.
    ///
    /// - Throws: `invalidRequest`.
    public init(text: String) throws(SpindleError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let word = parts.count == 2 ? String(parts[1]) : DependencyCondition.succeeded.rawValue
        guard let on = DependencyCondition(rawValue: word) else {
            throw SpindleError(
                .invalidRequest,
                "\"\(word.prefix(64))\" is not an end to wait for. " + NearestName.hint(for: word, among: Self.conditions)
            )
        }
        self.init(id: String(parts[0]), on: on)
    }

    private static let conditions = ["succeeded", "failed", "any"]

    public init(from decoder: any Decoder) throws {
        if let text = try? decoder.singleValueContainer().decode(String.self) {
            let parsed = try DependencyBody(text: text)
            (id, on) = (parsed.id, parsed.on)
            return
        }
        let container = try decoder.strictContainer(keyedBy: CodingKeys.self, of: "An entry of \"after\"")
        id = try container.decode(String.self, forKey: .id)
        on = try container.word(.on, Self.conditions) { DependencyCondition(rawValue: $0) } ?? .succeeded
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(on, forKey: .on)
    }
}
