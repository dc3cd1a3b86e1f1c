import Synchronization

/// A regular expression of a schema; compiled once, used under a lock because Swift's are not made to be shared.
final class SchemaPattern: Sendable {
    /// Longer texts fit no pattern: a backtracking expression could take for ever over them.
    static let longestText = 4096
    let text: String
    private let expression: Mutex<Regex<AnyRegexOutput>>

    /// Reads an expression (ECMA-262, as far as Swift's `Regex` is the same).
    init?(_ text: String) {
        guard text.utf8.count <= 4096, let expression = try? Regex(text) else { return nil }
        self.text = text
        self.expression = Mutex(expression)
    }

    func matches(_ text: String) -> Bool {
        guard text.utf8.count <= Self.longestText else { return false }
        return expression.withLock { (try? $0.firstMatch(in: text)) != nil }
    }
}
