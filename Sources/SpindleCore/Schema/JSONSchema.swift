#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A JSON Schema (2020-12) as executors give them for their configuration and parameters.
///
/// All assertions are checked but `format` and `unevaluated…`; a `$ref` may point within the schema only. What is not known is ignored,
/// as the standard says. Checking is pure; any thread.
public struct JSONSchema: Hashable, Sendable {
    /// The schema as it was written.
    public let text: String
    let root: SchemaNode
    private let emptyViolation: SchemaViolation?

    /// Reads a schema.
    ///
    /// - Parameter text: A JSON object or a truth value, at most 256 KiB.
    /// - Throws: `configuration`, with what is wrong and where in the schema.
    public init(_ text: String) throws(SpindleError) {
        guard text.utf8.count <= 256 * 1024 else {
            throw SpindleError(.configuration, "The schema has more than the 262144 bytes that are allowed.")
        }
        guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)) else {
            throw SpindleError(.configuration, "The schema is not JSON.")
        }
        self.text = text
        root = try SchemaCompiler.compile(value)
        emptyViolation = root.check(.object([:]), at: "")
    }

    /// What is wrong with a value; nil if nothing is.
    public func violation(in value: JSONValue) -> SchemaViolation? { root.check(value, at: "") }

    /// What is wrong with a text; nil if it is JSON that fits.
    public func violation(inJSON text: String) -> SchemaViolation? {
        guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)) else {
            return SchemaViolation(pointer: "", message: "is not JSON")
        }
        return violation(in: value)
    }

    /// What is wrong with parameters; nil if nothing is. Each text is read as the type that the schema gives to its name.
    public func violation(in parameters: Parameters) -> SchemaViolation? {
        if parameters.isEmpty { return emptyViolation }
        let steps = SchemaSteps()
        var values: [String: JSONValue] = [:]
        for entry in parameters.entries {
            guard let value = root.read(entry.value, ofProperty: entry.name, steps) else {
                let wanted = root.typesOfProperty(entry.name, steps).map(\.description).joined(separator: " or ")
                return SchemaViolation(pointer: "/\(SchemaViolation.escaped(entry.name))", message: "must be \(wanted)")
            }
            values[entry.name] = value
        }
        return root.check(.object(values), at: "", steps)
    }

    public static func == (left: Self, right: Self) -> Bool { left.text == right.text }
    public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

/// The first thing in a value that its schema does not allow.
public struct SchemaViolation: Hashable, Sendable {
    /// Where in the value: a JSON pointer (RFC 6901), empty for the whole.
    public let pointer: String
    /// What is wrong, to follow the name of the place, such as "must be at most 10".
    public let message: String

    /// Describes what is wrong.
    public init(pointer: String, message: String) {
        self.pointer = pointer
        self.message = message
    }

    static func escaped(_ name: String) -> String {
        name.contains { $0 == "~" || $0 == "/" } ? name.replacing("~", with: "~0").replacing("/", with: "~1") : name
    }
}
