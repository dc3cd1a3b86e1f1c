#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// How the text of a parameter is read: as the type that the schema gives to its name.
extension SchemaNode {
    /// The types that a property may have; empty if the schema does not say.
    func typesOfProperty(_ name: String, _ steps: SchemaSteps) -> [Kind] { node(ofProperty: name, steps)?.readTypes ?? [] }

    /// The value of a text; nil if it can be none of the types.
    func read(_ text: String, ofProperty name: String, _ steps: SchemaSteps) -> JSONValue? {
        guard let node = node(ofProperty: name, steps), case let kinds = node.readTypes, !kinds.isEmpty else {
            return .string(text)
        }
        let readings = Kind.allCases.filter { kinds.contains($0) }.compactMap { Self.read(text, as: $0) }
        // Of several readings the one that fits was meant.
        return readings.count > 1 ? readings.first { node.check($0, at: "", steps) == nil } ?? readings.first : readings.first
    }

    private func node(ofProperty name: String, _ steps: SchemaSteps) -> SchemaNode? {
        properties[name] ?? patternProperties.first { $0.pattern.matches(name, steps) }?.node ?? additionalProperties
    }

    /// Its own types, else those of its values or of what it refers to.
    private var readTypes: [Kind] {
        if !kinds.isEmpty { return kinds }
        if let allowed {
            return Kind.allCases.filter { kind in allowed.contains { Self.kind(of: $0) == kind } }
        }
        return reference?.kinds ?? []
    }

    private static func kind(of value: JSONValue) -> Kind {
        switch value {
        case .null: .null
        case .bool: .boolean
        case .int: .integer
        case .double: .number
        case .string: .string
        case .array: .array
        case .object: .object
        }
    }

    private static func read(_ text: String, as kind: Kind) -> JSONValue? {
        switch kind {
        case .null: return text == "null" ? .null : nil
        case .boolean:
            switch text.lowercased() {
            case "true": return true
            case "false": return false
            default: return nil
            }
        case .integer: return Int64(text).map { .int($0) }
        case .number:
            if let integer = Int64(text) { return .int(integer) }
            // Swift also reads `inf`, `nan` and `0x1p3`; JSON has no such numbers.
            guard text.utf8.allSatisfy({ (48...57).contains($0) || [43, 45, 46, 69, 101].contains($0) }) else { return nil }
            return Double(text).flatMap { $0.isFinite ? .double($0) : nil }
        case .array, .object:
            guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)) else { return nil }
            return self.kind(of: value) == kind ? value : nil
        case .string: return .string(text)
        }
    }
}
