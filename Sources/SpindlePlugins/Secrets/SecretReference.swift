/// References to secrets in the values of parameters and configurations.
enum SecretReference: Equatable {
    /// No reference.
    case none
    /// The secret of that name.
    case name(String)
    /// It begins like a reference, but no secret can have such a name.
    case malformed(String)

    private static let scheme = Array("secret://".utf8)

    /// Finds the reference in a value: the whole of it is `secret://NAME`, or it ends so after a blank (`Bearer secret://NAME`).
    init(in value: String) {
        let bytes = value.utf8
        self = .none
        guard bytes.count > Self.scheme.count else { return }
        if bytes.starts(with: Self.scheme) {
            let name = String(Substring(bytes.dropFirst(Self.scheme.count)))
            self = Self.isLegal(name) ? .name(name) : .malformed(name)
        } else if let blank = bytes.lastIndex(of: 32) {
            let last = bytes[bytes.index(after: blank)...]
            guard last.starts(with: Self.scheme) else { return }
            let name = String(Substring(last.dropFirst(Self.scheme.count)))
            if Self.isLegal(name) { self = .name(name) }
        }
    }

    /// Whether a secret may be called so: it is the name of a file too.
    static func isLegal(_ name: String) -> Bool {
        let isPlain = name.utf8.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || [45, 46, 95].contains($0)
        }
        return isPlain && (1...128).contains(name.utf8.count) && !name.hasPrefix(".")
    }
}
