/// The first attempts of a new version, which decide whether it stays. Pure.
struct Trial: Sendable {
    /// What became of it.
    enum Verdict: Hashable {
        case passed
        /// It is taken back; why.
        case failed(String)
    }

    private let attempts: Int
    private let allowed: Double
    /// How much failed before: jobs that fail by themselves are not the new version's fault.
    private let before: Double

    /// - Parameter before: The share of the old version's last attempts that failed.
    init(_ settings: ReloadSettings, before: Double) {
        attempts = Int(settings.trialAttempts)
        allowed = Double(settings.trialFailures) / 1000
        self.before = before
    }

    /// Looks at what has ended so far; nil if that decides nothing yet.
    func verdict(ends: Int, failures: Int) -> Verdict? {
        guard attempts > 0 else { return .passed }
        // What fails cannot become fewer: the end need not be waited for.
        if Double(failures) > allowed * Double(attempts), Double(failures) / Double(max(ends, 1)) > before {
            return .failed("\(failures) of its first \(ends) attempts failed")
        }
        return ends >= attempts ? .passed : nil
    }
}
