/// A schema, or a part of it, made ready for checking.
///
/// @unchecked Sendable: written by ``SchemaCompiler`` only, before anybody else sees it.
final class SchemaNode: @unchecked Sendable {
    /// The types of JSON values.
    enum Kind: String, CaseIterable, CustomStringConvertible {
        case null, boolean, integer, number, string, array, object

        var description: String {
            switch self {
            case .null: "null"
            case .boolean: "true or false"
            case .integer: "a whole number"
            case .number: "a number"
            case .string: "text"
            case .array: "a list"
            case .object: "names and values"
            }
        }
    }

    /// `false`: nothing fits.
    var allowsNothing = false
    var kinds: [Kind] = []
    var allowed: [JSONValue]?

    var minimum: Double?
    var maximum: Double?
    var exclusiveMinimum: Double?
    var exclusiveMaximum: Double?
    var multipleOf: Double?

    var lengths: ClosedRange<Int> = 0...Int.max
    var pattern: SchemaPattern?

    var counts: ClosedRange<Int> = 0...Int.max
    var isUnique = false
    var firstItems: [SchemaNode] = []
    var items: SchemaNode?
    var contains: SchemaNode?
    var containsCounts: ClosedRange<Int> = 1...Int.max

    var sizes: ClosedRange<Int> = 0...Int.max
    var required: [String] = []
    var dependentRequired: [String: [String]] = [:]
    var dependentSchemas: [String: SchemaNode] = [:]
    var properties: [String: SchemaNode] = [:]
    var patternProperties: [(pattern: SchemaPattern, node: SchemaNode)] = []
    var additionalProperties: SchemaNode?
    var propertyNames: SchemaNode?

    var allOf: [SchemaNode] = []
    var anyOf: [SchemaNode] = []
    var oneOf: [SchemaNode] = []
    var not: SchemaNode?
    var condition: SchemaNode?
    var then: SchemaNode?
    var otherwise: SchemaNode?
    var reference: SchemaNode?

    init() {}
}
