import SpindleCore

/// Any key of a JSON object.
struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension CodingUserInfoKey {
    /// Set by clients: an answer of a newer host may have more keys than this build knows.
    static let acceptsUnknownKeys = CodingUserInfoKey(rawValue: "spindle.acceptsUnknownKeys")!
}

extension Decoder {
    /// A container that refuses keys which are not among those of `Key`, and names the nearest one.
    func strictContainer<Key: CodingKey & CaseIterable>(
        keyedBy type: Key.Type,
        of thing: String
    ) throws -> KeyedDecodingContainer<Key> {
        let container: KeyedDecodingContainer<Key>
        do {
            container = try self.container(keyedBy: type)
        } catch is DecodingError {
            throw SpindleError(.invalidRequest, "\(thing) must be a JSON object.")
        }
        if userInfo[.acceptsUnknownKeys] != nil { return container }
        for name in try names() where type.init(stringValue: name) == nil {
            throw SpindleError(
                .invalidRequest,
                "\(thing) has no key \"\(name.prefix(64))\". "
                    + NearestName.hint(for: name, among: type.allCases.map { $0.stringValue })
            )
        }
        return container
    }

    /// The keys that are there, known or not.
    private func names() throws -> [String] {
        if let json = self as? JSONNodeDecoder { return json.names }
        return try container(keyedBy: AnyKey.self).allKeys.map { $0.stringValue }
    }
}

/// The one checked road of every number, duration and moment in a body: nothing here traps, whatever the bytes.
extension KeyedDecodingContainer {
    /// A whole number within a range.
    func wholeNumber<Number: FixedWidthInteger>(_ key: Key, in range: ClosedRange<Number>) throws -> Number? {
        guard contains(key), try !decodeNil(forKey: key) else { return nil }
        let value: Double
        do {
            value = try decode(Double.self, forKey: key)
        } catch is DecodingError {
            throw notANumber(key, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        guard let number = Number(exactly: value), range.contains(number) else {
            throw notANumber(key, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A share: a number from 0 to 1, or text such as `10%`; in permille.
    func permille(_ key: Key) throws -> Int32? {
        guard contains(key), try !decodeNil(forKey: key) else { return nil }
        var share: Double?
        if let number = try? decode(Double.self, forKey: key) {
            share = number
        } else if let text = try? decode(String.self, forKey: key), text.hasSuffix("%"), text.utf8.count <= 16 {
            share = Double(text.dropLast()).map { $0 / 100 }
        }
        guard let share, share >= 0, share <= 1 else { throw notANumber(key, "a number from 0 to 1, or text like \"10%\"") }
        return Int32((share * 1000).rounded())
    }

    /// A duration: text such as `10s`, or a number of seconds; in microseconds.
    func duration(_ key: Key, in range: ClosedRange<Int64>) throws -> DurationBody? {
        guard contains(key), try !decodeNil(forKey: key) else { return nil }
        if let text = try? decode(String.self, forKey: key) {
            if let value = DurationText.microseconds(text, in: range) { return DurationBody(microseconds: value) }
        } else if let seconds = try? decode(Double.self, forKey: key) {
            // The comparison is false for NaN and true only for what fits.
            let product = (seconds * 1_000_000).rounded()
            if product >= 0, product < 9e18, range.contains(Int64(product)) {
                return DurationBody(microseconds: Int64(product))
            }
        }
        throw notANumber(key, "a duration such as \"10s\", or a number of seconds")
    }

    /// One word of a closed list.
    func word<Word>(_ key: Key, _ words: [String], _ make: (String) -> Word?) throws -> Word? {
        guard contains(key), try !decodeNil(forKey: key) else { return nil }
        let text = try decode(String.self, forKey: key)
        if let word = make(text) { return word }
        throw SpindleError(
            .invalidRequest,
            "\"\(key.stringValue)\" is \"\(text.prefix(64))\". " + NearestName.hint(for: text, among: words)
        )
    }

    private func notANumber(_ key: Key, _ wanted: String) -> SpindleError {
        SpindleError(.invalidRequest, "\"\(key.stringValue)\" must be \(wanted).")
    }
}
