/// Makes ``SchemaNode``s of a schema's JSON.
struct SchemaCompiler {
    private static let maxDepth = 64
    private let root: JSONValue
    /// What references point to, by their pointers; there before it is filled, so that schemas may refer to themselves.
    private var referenced: [String: SchemaNode] = [:]

    static func compile(_ root: JSONValue) throws(SpindleError) -> SchemaNode {
        var compiler = SchemaCompiler(root: root)
        // The root itself is what "#" means.
        return try compiler.node(root, at: "#", into: compiler.entry("#"), depth: 0)
    }

    private init(root: JSONValue) { self.root = root }

    private mutating func entry(_ pointer: String) -> SchemaNode {
        if let known = referenced[pointer] { return known }
        let node = SchemaNode()
        referenced[pointer] = node
        return node
    }

    @discardableResult
    private mutating func node(
        _ value: JSONValue,
        at pointer: String,
        into given: SchemaNode? = nil,
        depth: Int
    ) throws(SpindleError) -> SchemaNode {
        guard depth <= Self.maxDepth else { throw wrong(pointer, "is nested deeper than \(Self.maxDepth) levels") }
        let node = given ?? SchemaNode()
        switch value {
        case .bool(let allows): node.allowsNothing = !allows
        case .object(let keywords):
            for (keyword, value) in keywords.sorted(by: { $0.key < $1.key }) {
                let place = Place(pointer: "\(pointer)/\(SchemaViolation.escaped(keyword))", depth: depth + 1)
                if try assertion(keyword, value, node, place) { continue }
                if try applicator(keyword, value, node, place) { continue }
            }
        default: throw wrong(pointer, "must be an object or a truth value")
        }
        return node
    }

    private struct Place {
        let pointer: String
        let depth: Int
    }

    // MARK: Keywords that judge by themselves

    private func assertion(_ keyword: String, _ value: JSONValue, _ node: SchemaNode, _ place: Place) throws(SpindleError) -> Bool {
        switch keyword {
        case "type": node.kinds = try kinds(value, place)
        case "enum": node.allowed = try list(value, place)
        case "const": node.allowed = [value]
        case "minimum": node.minimum = try number(value, place)
        case "maximum": node.maximum = try number(value, place)
        case "exclusiveMinimum": node.exclusiveMinimum = try number(value, place)
        case "exclusiveMaximum": node.exclusiveMaximum = try number(value, place)
        case "multipleOf":
            let step = try number(value, place)
            guard step > 0 else { throw wrong(place.pointer, "must be more than 0") }
            node.multipleOf = step
        case "minLength": node.lengths = try least(value, node.lengths, place)
        case "maxLength": node.lengths = try most(value, node.lengths, place)
        case "pattern": node.pattern = try pattern(text(value, place), place)
        case "minItems": node.counts = try least(value, node.counts, place)
        case "maxItems": node.counts = try most(value, node.counts, place)
        case "uniqueItems": node.isUnique = value == true
        case "minContains": node.containsCounts = try least(value, node.containsCounts, place)
        case "maxContains": node.containsCounts = try most(value, node.containsCounts, place)
        case "minProperties": node.sizes = try least(value, node.sizes, place)
        case "maxProperties": node.sizes = try most(value, node.sizes, place)
        case "required": node.required = try texts(value, place)
        case "dependentRequired":
            for (name, names) in try object(value, place) { node.dependentRequired[name] = try texts(names, place) }
        default: return false
        }
        return true
    }

    // MARK: Keywords that apply other schemas

    private mutating func applicator(
        _ keyword: String,
        _ value: JSONValue,
        _ node: SchemaNode,
        _ place: Place
    ) throws(SpindleError) -> Bool {
        switch keyword {
        case "items": node.items = try self.node(value, place)
        case "contains": node.contains = try self.node(value, place)
        case "additionalProperties": node.additionalProperties = try self.node(value, place)
        case "propertyNames": node.propertyNames = try self.node(value, place)
        case "not": node.not = try self.node(value, place)
        case "if": node.condition = try self.node(value, place)
        case "then": node.then = try self.node(value, place)
        case "else": node.otherwise = try self.node(value, place)
        case "prefixItems": node.firstItems = try nodes(value, place)
        case "allOf": node.allOf = try nodes(value, place)
        case "anyOf": node.anyOf = try nodes(value, place)
        case "oneOf": node.oneOf = try nodes(value, place)
        case "properties": node.properties = try namedNodes(value, place)
        case "dependentSchemas": node.dependentSchemas = try namedNodes(value, place)
        case "patternProperties":
            for (name, schema) in try object(value, place).sorted(by: { $0.key < $1.key }) {
                node.patternProperties.append((try pattern(name, place), try self.node(schema, place)))
            }
        case "$ref": node.reference = try reference(text(value, place), place)
        default: return false
        }
        return true
    }

    private mutating func node(_ value: JSONValue, _ place: Place) throws(SpindleError) -> SchemaNode {
        try node(value, at: place.pointer, depth: place.depth)
    }

    private mutating func nodes(_ value: JSONValue, _ place: Place) throws(SpindleError) -> [SchemaNode] {
        var nodes: [SchemaNode] = []
        for item in try list(value, place) { nodes.append(try node(item, place)) }
        return nodes
    }

    private mutating func namedNodes(_ value: JSONValue, _ place: Place) throws(SpindleError) -> [String: SchemaNode] {
        var nodes: [String: SchemaNode] = [:]
        for (name, schema) in try object(value, place) {
            nodes[name] = try node(schema, at: "\(place.pointer)/\(SchemaViolation.escaped(name))", depth: place.depth)
        }
        return nodes
    }

    private mutating func reference(_ pointer: String, _ place: Place) throws(SpindleError) -> SchemaNode {
        if let known = referenced[pointer] { return known }
        guard pointer.hasPrefix("#/"), let target = lookUp(pointer.dropFirst(2)) else {
            throw wrong(place.pointer, "points to \"\(pointer.prefix(128))\", which is not in the schema")
        }
        return try node(target, at: pointer, into: entry(pointer), depth: place.depth)
    }

    private func lookUp(_ pointer: Substring) -> JSONValue? {
        var value = root
        for step in pointer.split(separator: "/", omittingEmptySubsequences: false) {
            let name = step.replacing("~1", with: "/").replacing("~0", with: "~")
            switch value {
            case .object(let members):
                guard let member = members[String(name)] else { return nil }
                value = member
            case .array(let items):
                guard let index = Int(name), items.indices.contains(index) else { return nil }
                value = items[index]
            default: return nil
            }
        }
        return value
    }

    // MARK: Values of keywords

    private func kinds(_ value: JSONValue, _ place: Place) throws(SpindleError) -> [SchemaNode.Kind] {
        let names = if case .string(let name) = value { [name] } else { try texts(value, place) }
        var kinds: [SchemaNode.Kind] = []
        for name in names {
            guard let kind = SchemaNode.Kind(rawValue: name) else {
                throw wrong(place.pointer, "has no type \"\(name.prefix(64))\"")
            }
            kinds.append(kind)
        }
        return kinds
    }

    private func number(_ value: JSONValue, _ place: Place) throws(SpindleError) -> Double {
        guard let number = value.number else { throw wrong(place.pointer, "must be a number") }
        return number
    }

    private func count(_ value: JSONValue, _ place: Place) throws(SpindleError) -> Int {
        guard let number = value.number, let count = Int(exactly: number), count >= 0 else {
            throw wrong(place.pointer, "must be a whole number from 0 on")
        }
        return count
    }

    private func least(_ value: JSONValue, _ range: ClosedRange<Int>, _ place: Place) throws(SpindleError) -> ClosedRange<Int> {
        let least = try count(value, place)
        guard least <= range.upperBound else { throw wrong(place.pointer, "is more than its maximum") }
        return least...range.upperBound
    }

    private func most(_ value: JSONValue, _ range: ClosedRange<Int>, _ place: Place) throws(SpindleError) -> ClosedRange<Int> {
        let most = try count(value, place)
        // `maxContains: 0` beside no `minContains` wants none.
        return min(range.lowerBound, most)...most
    }

    private func text(_ value: JSONValue, _ place: Place) throws(SpindleError) -> String {
        guard case .string(let text) = value else { throw wrong(place.pointer, "must be text") }
        return text
    }

    private func list(_ value: JSONValue, _ place: Place) throws(SpindleError) -> [JSONValue] {
        guard case .array(let items) = value else { throw wrong(place.pointer, "must be a list") }
        return items
    }

    private func texts(_ value: JSONValue, _ place: Place) throws(SpindleError) -> [String] {
        var texts: [String] = []
        for item in try list(value, place) { texts.append(try text(item, place)) }
        return texts
    }

    private func object(_ value: JSONValue, _ place: Place) throws(SpindleError) -> [String: JSONValue] {
        guard case .object(let members) = value else { throw wrong(place.pointer, "must be an object") }
        return members
    }

    private func pattern(_ text: String, _ place: Place) throws(SpindleError) -> SchemaPattern {
        do throws(PatternRefusal) {
            return try SchemaPattern(text)
        } catch {
            throw wrong(place.pointer, "\(error.reason): \(text.prefix(128))")
        }
    }

    private func wrong(_ pointer: String, _ what: String) -> SpindleError {
        SpindleError(.configuration, "The schema is wrong: \(pointer) \(what).")
    }
}

extension JSONValue {
    /// The value if it is a number.
    var number: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }
}
