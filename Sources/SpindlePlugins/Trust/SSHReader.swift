/// Why bytes in a format of OpenSSH cannot be read: the end of a sentence.
package struct SSHFormatError: Error, Hashable {
    package let reason: String
    init(_ reason: String) { self.reason = reason }
}

/// Reads the binary form that SSH gives to keys and signatures (RFC 4251). Every length in it comes from a stranger.
struct SSHReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    /// Takes exactly these bytes.
    mutating func skip(_ expected: [UInt8], _ what: String) throws(SSHFormatError) {
        guard rest.starts(with: expected) else { throw SSHFormatError("it has no \(what)") }
        rest = rest.dropFirst(expected.count)
    }

    mutating func uint32(_ what: String) throws(SSHFormatError) -> UInt32 {
        guard rest.count >= 4 else { throw SSHFormatError("it ends within the \(what)") }
        let value = rest.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        rest = rest.dropFirst(4)
        return value
    }

    /// A string of SSH: a length and so many bytes.
    mutating func string(_ what: String) throws(SSHFormatError) -> ArraySlice<UInt8> {
        let length = try uint32(what)
        guard length <= rest.count else { throw SSHFormatError("it ends within the \(what)") }
        let value = rest.prefix(Int(length))
        rest = rest.dropFirst(Int(length))
        return value
    }

    /// The same as text.
    mutating func text(_ what: String) throws(SSHFormatError) -> String {
        let bytes = try string(what)
        guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
            throw SSHFormatError("its \(what) is not text")
        }
        return text
    }

    /// A number that is not negative, in its shortest form: its digits to the base 256 without the zero that only keeps it positive.
    mutating func number(_ what: String) throws(SSHFormatError) -> ArraySlice<UInt8> {
        let bytes = try string(what)
        guard let first = bytes.first, first < 128 else { throw SSHFormatError("its \(what) is not a positive number") }
        guard first == 0 else { return bytes }
        let digits = bytes.dropFirst()
        guard let next = digits.first, next >= 128 else { throw SSHFormatError("its \(what) is not in its shortest form") }
        return digits
    }

    /// Nothing may follow.
    func end(_ what: String) throws(SSHFormatError) {
        guard isAtEnd else { throw SSHFormatError("\(rest.count) bytes follow the \(what)") }
    }
}

extension [UInt8] {
    /// Appends a string of SSH.
    mutating func append(sshString bytes: some Collection<UInt8>) {
        let length = UInt32(clamping: bytes.count)
        append(contentsOf: [UInt8(length >> 24), UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255)])
        append(contentsOf: bytes)
    }
}
