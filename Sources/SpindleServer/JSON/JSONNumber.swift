/// A number of JSON in the digits that were written.
struct JSONNumber {
    let text: String

    /// As a whole number; nil if it is none, or does not fit. `1.0` and `1e2` are whole numbers.
    func integer<Number: FixedWidthInteger>(_ type: Number.Type) -> Number? {
        Number(text) ?? plain.flatMap { Number($0) }
    }

    /// The nearest number of the type; nil if it is too large, or so small that nothing would be left of it.
    func real<Number: BinaryFloatingPoint & LosslessStringConvertible>(_ type: Number.Type) -> Number? {
        guard let value = Number(text), value.isFinite else { return nil }
        return value == 0 && hasValue ? nil : value
    }

    /// Whether a digit before the exponent is not 0.
    private var hasValue: Bool {
        text.utf8.prefix { $0 | 0x20 != UInt8(ascii: "e") }.contains { (UInt8(ascii: "1")...UInt8(ascii: "9")).contains($0) }
    }

    /// The same whole number without fraction and exponent, exactly; nil if it is none, or far too large for any type.
    private var plain: String? {
        guard hasValue else { return "0" }
        let isNegative = text.utf8.first == UInt8(ascii: "-")
        let parts = text.utf8.dropFirst(isNegative ? 1 : 0)
            .split(maxSplits: 1, omittingEmptySubsequences: false) { $0 | 0x20 == UInt8(ascii: "e") }
        let mantissa = parts[0].split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard let exponent = parts.count == 2 ? Int32(Substring(parts[1])) : 0 else { return nil }
        let fraction = mantissa.count == 2 ? Array(mantissa[1]) : []
        var digits = Array(mantissa[0]) + fraction
        let point = mantissa[0].count + Int(exponent)
        if point < digits.count {
            guard point > 0, digits[point...].allSatisfy({ $0 == UInt8(ascii: "0") }) else { return nil }
            digits.removeSubrange(point...)
        } else {
            guard point - digits.count <= 20 else { return nil }
            digits += Array(repeating: UInt8(ascii: "0"), count: point - digits.count)
        }
        return (isNegative ? "-" : "") + String(decoding: digits, as: UTF8.self)
    }
}
