extension SchemaNode {
    /// What is wrong with a value.
    ///
    /// - Parameter pointer: Where it is.
    func check(_ value: JSONValue, at pointer: String, _ steps: SchemaSteps = SchemaSteps()) -> SchemaViolation? {
        let found = check(value, at: pointer, depth: 0, steps)
        // What was not looked at cannot be known to fit, whatever a `not` made of it.
        return steps.areOver ? SchemaViolation(pointer: pointer, message: "takes too long to check") : found
    }

    private func check(_ value: JSONValue, at pointer: String, depth: Int, _ steps: SchemaSteps) -> SchemaViolation? {
        func violation(_ message: String) -> SchemaViolation { SchemaViolation(pointer: pointer, message: message) }
        guard steps.take() else { return violation("takes too long to check") }
        // A schema may refer to itself without going into the value.
        guard depth < 128 else { return violation("is nested too deep") }
        if allowsNothing { return violation("is not allowed") }
        if !kinds.isEmpty, !kinds.contains(where: { value.isOfKind($0) }) {
            return violation("must be \(kinds.map(\.description).joined(separator: " or "))")
        }
        if let allowed, !allowed.contains(where: { $0.isSame(as: value) }) { return violation(Self.message(allowed)) }
        let found: SchemaViolation?
        switch value {
        case .int, .double: found = numberMessage(value.number ?? 0).map(violation)
        case .string(let text): found = textMessage(text, steps).map(violation)
        case .array(let items): found = check(items, at: pointer, depth: depth, steps)
        case .object(let members): found = check(members, at: pointer, depth: depth, steps)
        case .null, .bool: found = nil
        }
        return found ?? checkOthers(value, at: pointer, depth: depth + 1, steps)
    }

    private static func message(_ allowed: [JSONValue]) -> String {
        let names = allowed.prefix(32).map(\.shown).joined(separator: ", ")
        return allowed.count == 1 ? "must be \(names)" : "must be one of \(names)"
    }

    private func numberMessage(_ number: Double) -> String? {
        if let minimum, number < minimum { return "must be at least \(minimum.shown)" }
        if let maximum, number > maximum { return "must be at most \(maximum.shown)" }
        if let exclusiveMinimum, number <= exclusiveMinimum { return "must be more than \(exclusiveMinimum.shown)" }
        if let exclusiveMaximum, number >= exclusiveMaximum { return "must be less than \(exclusiveMaximum.shown)" }
        if let multipleOf {
            let share = number / multipleOf
            if share.isFinite, (share - share.rounded()).magnitude > 1e-9 { return "must be a multiple of \(multipleOf.shown)" }
        }
        return nil
    }

    private func textMessage(_ text: String, _ steps: SchemaSteps) -> String? {
        if lengths != 0...Int.max {
            let length = text.unicodeScalars.count
            if length < lengths.lowerBound { return "must have at least \(lengths.lowerBound) characters" }
            if length > lengths.upperBound { return "must have at most \(lengths.upperBound) characters" }
        }
        if let pattern, !pattern.matches(text, steps) { return "must fit \(pattern.text)" }
        return nil
    }

    private func check(_ items: [JSONValue], at pointer: String, depth: Int, _ steps: SchemaSteps) -> SchemaViolation? {
        func violation(_ message: String) -> SchemaViolation { SchemaViolation(pointer: pointer, message: message) }
        if items.count < counts.lowerBound { return violation("must have at least \(counts.lowerBound) items") }
        if items.count > counts.upperBound { return violation("must have at most \(counts.upperBound) items") }
        if isUnique, Set(items).count < items.count { return violation("must not have an item twice") }
        for (index, item) in items.enumerated() {
            guard let node = index < firstItems.count ? firstItems[index] : self.items else { continue }
            if let found = node.check(item, at: "\(pointer)/\(index)", depth: depth + 1, steps) { return found }
        }
        if let contains {
            let count = items.count { contains.check($0, at: pointer, depth: depth + 1, steps) == nil }
            guard containsCounts.contains(count) else {
                return violation("must have \(containsCounts.lowerBound) or more items of another form, and not too many")
            }
        }
        return nil
    }

    private func check(_ members: [String: JSONValue], at pointer: String, depth: Int, _ steps: SchemaSteps) -> SchemaViolation? {
        func violation(_ message: String) -> SchemaViolation { SchemaViolation(pointer: pointer, message: message) }
        for name in required where members[name] == nil {
            return SchemaViolation(pointer: "\(pointer)/\(SchemaViolation.escaped(name))", message: "is missing")
        }
        if members.count < sizes.lowerBound { return violation("must have at least \(sizes.lowerBound) names") }
        if members.count > sizes.upperBound { return violation("must have at most \(sizes.upperBound) names") }
        for (name, others) in dependentRequired where members[name] != nil {
            for other in others where members[other] == nil {
                return SchemaViolation(
                    pointer: "\(pointer)/\(SchemaViolation.escaped(other))",
                    message: "is missing beside \"\(name)\""
                )
            }
        }
        for (name, node) in dependentSchemas where members[name] != nil {
            if let found = node.check(.object(members), at: pointer, depth: depth + 1, steps) { return found }
        }
        // In order, so that the same value always gives the same sentence.
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            let place = "\(pointer)/\(SchemaViolation.escaped(name))"
            if let propertyNames, let found = propertyNames.check(.string(name), at: place, depth: depth + 1, steps) {
                return SchemaViolation(pointer: place, message: "has a name that \(found.message)")
            }
            if let found = check(value, ofProperty: name, at: place, depth: depth + 1, steps) { return found }
        }
        return nil
    }

    private func check(_ value: JSONValue, ofProperty name: String, at place: String, depth: Int, _ steps: SchemaSteps)
        -> SchemaViolation?
    {
        var isKnown = false
        if let node = properties[name] {
            isKnown = true
            if let found = node.check(value, at: place, depth: depth, steps) { return found }
        }
        for (pattern, node) in patternProperties where pattern.matches(name, steps) {
            isKnown = true
            if let found = node.check(value, at: place, depth: depth, steps) { return found }
        }
        guard !isKnown, let additionalProperties else { return nil }
        if additionalProperties.allowsNothing {
            let nearest = NearestName.of(name, among: properties.keys.sorted()).map { "; did you mean \"\($0)\"?" } ?? ""
            return SchemaViolation(pointer: place, message: "is not known here\(nearest)")
        }
        return additionalProperties.check(value, at: place, depth: depth, steps)
    }

    private func checkOthers(_ value: JSONValue, at pointer: String, depth: Int, _ steps: SchemaSteps) -> SchemaViolation? {
        func violation(_ message: String) -> SchemaViolation { SchemaViolation(pointer: pointer, message: message) }
        if let reference, let found = reference.check(value, at: pointer, depth: depth, steps) { return found }
        for node in allOf { if let found = node.check(value, at: pointer, depth: depth, steps) { return found } }
        if !anyOf.isEmpty {
            let found = anyOf.map { $0.check(value, at: pointer, depth: depth, steps) }
            if !found.contains(nil) {
                return found.compactMap(\.self).first { $0.pointer != pointer } ?? violation("fits none of its forms")
            }
        }
        if !oneOf.isEmpty {
            let fitting = oneOf.count { $0.check(value, at: pointer, depth: depth, steps) == nil }
            if fitting != 1 { return violation(fitting == 0 ? "fits none of its forms" : "fits more than one of its forms") }
        }
        if let not, not.check(value, at: pointer, depth: depth, steps) == nil {
            return violation("is of a form that is not allowed")
        }
        if let condition {
            let branch = condition.check(value, at: pointer, depth: depth, steps) == nil ? then : otherwise
            return branch?.check(value, at: pointer, depth: depth, steps)
        }
        return nil
    }
}

extension JSONValue {
    fileprivate func isOfKind(_ kind: SchemaNode.Kind) -> Bool {
        switch (kind, self) {
        case (.null, .null), (.boolean, .bool), (.integer, .int), (.number, .int), (.number, .double), (.string, .string),
            (.array, .array), (.object, .object):
            true
        case (.integer, .double(let value)): value.rounded() == value
        default: false
        }
    }

    /// Equal as JSON values: 1 and 1.0 are one number.
    fileprivate func isSame(as other: JSONValue) -> Bool {
        if let left = number, let right = other.number { return left == right }
        return self == other
    }

    fileprivate var shown: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .double(let value): value.shown
        case .string(let text): text
        case .array: "[…]"
        case .object: "{…}"
        }
    }
}

extension Double {
    fileprivate var shown: String { Int64(exactly: self).map { "\($0)" } ?? "\(self)" }
}
