/// A time-ordered unique identifier (RFC 9562, version 7).
///
/// Stored as 16 bytes; written as 36 characters of lower-case text.
public struct UUIDv7: Hashable, Comparable, Sendable {
    /// The first eight bytes, big-endian: 48 bits of Unix milliseconds, the version, 12 random bits.
    public let high: UInt64
    /// The last eight bytes, big-endian: the variant and 62 random bits.
    public let low: UInt64

    /// Wraps sixteen bytes given as two big-endian words, whatever version they carry.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Makes an identifier from its parts (RFC 9562 §5.7).
    ///
    /// - Parameters:
    ///   - milliseconds: Unix time in milliseconds; its low 48 bits are used.
    ///   - random: 74 of these 128 bits are used.
    public init(milliseconds: Int64, random: (UInt64, UInt64)) {
        let time = UInt64(truncatingIfNeeded: milliseconds) << 16
        high = time | 0x7000 | (random.0 & 0x0FFF)
        low = (random.1 & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000
    }

    /// Makes an identifier of this moment, from the clock and the generator of the machine.
    public static func now() -> UUIDv7 {
        let random = SystemRandomSource()
        return UUIDv7(milliseconds: SystemClock().now.milliseconds, random: (random.next(), random.next()))
    }

    /// Reads the 36-character form; any other text gives nil.
    public init?(_ text: some StringProtocol) {
        var words: (UInt64, UInt64) = (0, 0)
        var digits = 0
        var position = 0
        for byte in text.utf8 {
            if position == 8 || position == 13 || position == 18 || position == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
            } else {
                guard let value = byte.hexValue, digits < 32 else { return nil }
                if digits < 16 {
                    words.0 = words.0 << 4 | UInt64(value)
                } else {
                    words.1 = words.1 << 4 | UInt64(value)
                }
                digits += 1
            }
            position += 1
        }
        guard position == 36, digits == 32 else { return nil }
        self.init(high: words.0, low: words.1)
    }

    /// Reads sixteen big-endian bytes; any other count gives nil.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        for (index, byte) in bytes.enumerated() {
            if index < 8 { words.0 = words.0 << 8 | UInt64(byte) } else { words.1 = words.1 << 8 | UInt64(byte) }
        }
        self.init(high: words.0, low: words.1)
    }

    /// The sixteen bytes, big-endian.
    public var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 16) { buffer, count in
            for index in 0..<8 {
                buffer[index] = UInt8(truncatingIfNeeded: high >> UInt64(56 - 8 * index))
                buffer[index + 8] = UInt8(truncatingIfNeeded: low >> UInt64(56 - 8 * index))
            }
            count = 16
        }
    }

    /// Unix time in milliseconds, from the first 48 bits.
    public var milliseconds: Int64 { Int64(high >> 16) }

    public static func < (left: Self, right: Self) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

extension UUIDv7: CustomStringConvertible, LosslessStringConvertible {
    /// The 36-character form in lower case.
    public var description: String {
        String(unsafeUninitializedCapacity: 36) { buffer in
            var position = 0
            for index in 0..<32 {
                if index == 8 || index == 12 || index == 16 || index == 20 {
                    buffer[position] = UInt8(ascii: "-")
                    position += 1
                }
                let word = index < 16 ? high : low
                let nibble = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * (index & 15))) & 15
                buffer[position] = nibble < 10 ? nibble + 48 : nibble + 87
                position += 1
            }
            return 36
        }
    }
}

extension UInt8 {
    /// The value of an ASCII hexadecimal digit.
    package var hexValue: UInt8? {
        switch self {
        case 48...57: self - 48
        case 65...70: self - 55
        case 97...102: self - 87
        default: nil
        }
    }
}
