/// The keys whose signatures count: a file in the form of OpenSSH's `allowed_signers`.
package struct AllowedSigners: Sendable {
    /// One line.
    package struct Entry: Hashable, Sendable {
        /// Where it stands in the file, from 1.
        package var line: Int
        /// Who signs with the key: patterns, separated by commas.
        package var principals: String
        package var key: SSHPublicKey
        /// What the key may sign for: patterns; nil is everything.
        package var namespaces: String?
        /// Seconds since 1970; nil is no limit.
        package var validAfter: Int64?
        package var validBefore: Int64?
    }

    /// Why a key does not count.
    enum Refusal: Error, Hashable {
        case unknown
        /// The key is there, but for other principals.
        case otherPrincipal(line: Int)
        case otherNamespace(line: Int)
        case notYetValid(line: Int)
        case expired(line: Int)
    }

    /// The lines that can be used.
    package private(set) var entries: [Entry] = []
    /// The lines that cannot, with the reason of each; at most 16. They make nobody trusted.
    package private(set) var problems: [String] = []

    /// No file is longer, in bytes.
    package static let maxBytes = 256 * 1024

    /// Reads a file; a line that is wrong counts for nothing and stops no other, as in OpenSSH.
    ///
    /// - Parameters:
    ///   - bytes: At most ``maxBytes``; what follows is not read.
    ///   - file: Its name, for the problems.
    package init(_ bytes: [UInt8], file: String) {
        let lines = bytes.prefix(Self.maxBytes).split(separator: 10, omittingEmptySubsequences: false)
        for (index, bytes) in lines.enumerated() {
            do throws(SSHFormatError) {
                guard let text = Self.text(bytes) else { throw SSHFormatError("it is not text") }
                if let entry = try Self.entry(text, line: index + 1) { entries.append(entry) }
            } catch {
                if problems.count < 16 { problems.append("\(file):\(index + 1): \(error.reason)") }
            }
        }
    }

    private static func text(_ line: ArraySlice<UInt8>) -> Substring? {
        guard !line.contains(0), let text = String(validating: line, as: UTF8.self) else { return nil }
        var rest = text[...]
        while let last = rest.unicodeScalars.last, [" ", "\t", "\r"].contains(last) { rest.unicodeScalars.removeLast() }
        return rest.trimmingBlanks
    }

    /// - Returns: Nil for a line that says nothing.
    private static func entry(_ line: Substring, line number: Int) throws(SSHFormatError) -> Entry? {
        guard !line.isEmpty, !line.hasPrefix("#") else { return nil }
        var rest = line
        let principals: Substring
        if rest.hasPrefix("\"") {
            rest.removeFirst()
            guard let end = rest.firstIndex(of: "\"") else { throw SSHFormatError("the principals' closing quote is missing") }
            principals = rest[..<end]
            rest = rest[rest.index(after: end)...].trimmingBlanks
        } else {
            principals = rest.prefix { $0 != " " && $0 != "\t" }
            rest = rest[principals.endIndex...].trimmingBlanks
            guard !principals.contains("\"") else { throw SSHFormatError("a quote stands within the principals") }
        }
        guard !principals.isEmpty else { throw SSHFormatError("the principals are missing") }
        if let key = try? SSHPublicKey.read(rest).key {
            return Entry(line: number, principals: String(principals), key: key)
        }
        let options = try SSHOptions(&rest)
        var entry = Entry(line: number, principals: String(principals), key: try SSHPublicKey.read(rest.trimmingBlanks).key)
        guard !options.isAuthority else {
            throw SSHFormatError("cert-authority is not supported: list the signers' own keys instead of the authority's")
        }
        entry.namespaces = options.namespaces
        entry.validAfter = options.validAfter
        entry.validBefore = options.validBefore
        return entry
    }

    /// The first line that lets a key sign plugins now.
    ///
    /// - Parameters:
    ///   - principal: Who must have signed; nil takes anybody.
    ///   - now: Seconds since 1970.
    func entry(for key: SSHPublicKey, principal: String?, now: Int64) throws(Refusal) -> Entry {
        var refusal = Refusal.unknown
        for entry in entries where entry.key == key {
            if let principal, !PatternList.matches(principal, entry.principals) {
                if refusal == .unknown { refusal = .otherPrincipal(line: entry.line) }
            } else if let patterns = entry.namespaces, !PatternList.matches(SSHSignature.pluginNamespace, patterns) {
                refusal = .otherNamespace(line: entry.line)
            } else if let after = entry.validAfter, now < after {
                refusal = .notYetValid(line: entry.line)
            } else if let before = entry.validBefore, now > before {
                refusal = .expired(line: entry.line)
            } else {
                return entry
            }
        }
        throw refusal
    }
}

extension Substring {
    /// Without blanks and tabs at the start.
    var trimmingBlanks: Substring { drop { $0 == " " || $0 == "\t" } }
}
