import SpindleCore

extension NearestName {
    /// What to add to "there is no …": the nearest name, or else all of them.
    static func hint(for name: String, among known: [String]) -> String {
        if let nearest = of(name, among: known) { return "Did you mean \"\(nearest)\"?" }
        return "Known: \(known.joined(separator: ", "))."
    }
}
