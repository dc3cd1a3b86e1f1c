/// A value of JSON as it stands in a text: members in their order, numbers in their digits.
enum JSONNode {
    case null
    case bool(Bool)
    /// In the digits that were written: what fits is the reader's question.
    case number(String)
    case text(String)
    case list([JSONNode])
    case object([Member])

    struct Member {
        let name: String
        let value: JSONNode
    }

    /// The number as a whole one; nil if it is none, or does not fit. `1.0` and `1e2` are whole numbers, up to where a double is exact.
    func integer<Number: FixedWidthInteger>(_ type: Number.Type) -> Number? {
        guard case .number(let digits) = self else { return nil }
        if let number = Number(digits) { return number }
        guard let number = Double(digits), number.magnitude <= 0x1p53 else { return nil }
        return Number(exactly: number)
    }

    /// The nearest number of the type; nil if it is none, or too large.
    func real<Number: BinaryFloatingPoint & LosslessStringConvertible>(_ type: Number.Type) -> Number? {
        guard case .number(let digits) = self, let value = Number(digits), value.isFinite else { return nil }
        return value
    }
}

extension [JSONNode.Member] {
    /// The value of a name. If it is there twice, the first counts.
    subscript(name: String) -> JSONNode? {
        for member in self where member.name == name { return member.value }
        return nil
    }
}
