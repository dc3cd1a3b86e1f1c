/// Ordered names and text values of a job; names are unique.
public struct Parameters: Hashable, Sendable {
    /// One name and its value.
    public struct Entry: Hashable, Sendable {
        /// `[A-Za-z_][A-Za-z0-9_.-]{0,127}`.
        public let name: String
        /// UTF-8 text without NUL.
        public let value: String
        /// Pairs a name with its value.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The entries in the order in which they were given.
    public private(set) var entries: [Entry]

    /// No parameters.
    public init() { entries = [] }

    /// Takes entries whose names are known to be unique and legal, for instance from a store.
    public init(trusted entries: [Entry]) { self.entries = entries }

    /// Takes names and values, sorted by name so that equal dictionaries give equal parameters.
    public init(_ values: [String: String]) {
        entries = values.sorted { $0.key < $1.key }.map { Entry(name: $0.key, value: $0.value) }
    }

    /// The value of a name; setting appends, replaces or (with nil) removes.
    public subscript(_ name: String) -> String? {
        get { entries.first { $0.name == name }?.value }
        set {
            let index = entries.firstIndex { $0.name == name }
            switch (index, newValue) {
            case (let index?, let value?): entries[index] = Entry(name: name, value: value)
            case (let index?, nil): entries.remove(at: index)
            case (nil, let value?): entries.append(Entry(name: name, value: value))
            case (nil, nil): break
            }
        }
    }

    /// Whether there are none.
    public var isEmpty: Bool { entries.isEmpty }
    /// How many there are.
    public var count: Int { entries.count }
    /// Names and values in UTF-8 bytes, the measure of the 256 KiB limit.
    public var byteCount: Int { entries.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count } }
    /// The same as a dictionary.
    public var dictionary: [String: String] {
        Dictionary(entries.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    }

    /// These parameters with those of `other` added; of a repeated name the other's value wins.
    public func merging(_ other: Parameters) -> Parameters {
        var merged = self
        for entry in other.entries { merged[entry.name] = entry.value }
        return merged
    }
}

extension Parameters: ExpressibleByDictionaryLiteral {
    /// Keeps the order of the literal; of a repeated name the last value stays.
    public init(dictionaryLiteral elements: (String, String)...) {
        self.init()
        for (name, value) in elements { self[name] = value }
    }
}

/// Opaque bytes with their media type.
public struct Payload: Hashable, Sendable {
    /// The bytes, never interpreted by the host.
    public let bytes: [UInt8]
    /// A media type such as `application/json`; nil if unknown.
    public let contentType: String?

    /// Wraps bytes.
    public init(_ bytes: [UInt8], contentType: String? = nil) {
        self.bytes = bytes
        self.contentType = contentType
    }

    /// Wraps text as UTF-8.
    public init(_ text: String, contentType: String? = "text/plain; charset=utf-8") {
        self.init(Array(text.utf8), contentType: contentType)
    }

    /// The bytes read as UTF-8, broken sequences replaced by U+FFFD.
    public var text: String { String(decoding: bytes, as: UTF8.self) }
}
