/// What one look at a plugin found.
public struct PluginCheck: Hashable, Sendable {
    /// How it came out.
    public enum Verdict: String, Hashable, Sendable {
        /// As it should be.
        case ok
        /// It works, but its author or its operator should know.
        case warning
        /// The plugin breaks a rule, or cannot be used.
        case failed
    }

    /// What was looked at: `file`, `loading`, `descriptor TYPE`, `call TYPE` …
    public let name: String
    /// How it came out.
    public let verdict: Verdict
    /// What was found.
    public let message: String
    /// What to do about it; nil if there is nothing.
    public let advice: String?

    init(_ name: String, _ verdict: Verdict, _ message: String, advice: String? = nil) {
        self.name = name
        self.verdict = verdict
        self.message = message
        self.advice = advice
    }
}
