/// Names and values for people, one pair a line.
package struct Fields: Sendable {
    private var pairs: [(name: String, value: String)] = []

    /// None yet.
    package init() {}

    /// Adds a pair; nothing if there is no value.
    package mutating func add(_ name: String, _ value: String?) {
        guard let value, !value.isEmpty else { return }
        pairs.append((name, SafeText.line(value)))
    }

    /// The lines, with the values below each other.
    package func lines(indentation: Int = 0) -> [String] {
        let width = pairs.map { DisplayWidth.of($0.name) }.max() ?? 0
        return pairs.map { name, value in
            let padding = String(repeating: " ", count: width - DisplayWidth.of(name) + 2)
            return String(repeating: " ", count: indentation) + name + padding + value
        }
    }
}
