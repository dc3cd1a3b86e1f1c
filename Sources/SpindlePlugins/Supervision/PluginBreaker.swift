/// When a plugin's workers die so often that it is given no more work. Pure.
struct PluginBreaker {
    /// How often is too often.
    struct Settings: Hashable, Sendable {
        /// Crashes within ``window`` that quarantine the plugin; 0 never does.
        var crashes = 3
        /// Microseconds.
        var window: Int64 = 300_000_000
    }

    private struct Crash {
        let at: Int64
        let what: String
    }

    private let settings: Settings
    private var crashes: [Crash] = []
    /// Why the plugin gets no work; nil if it does.
    private(set) var quarantine: Quarantine?

    /// - Parameter quarantine: What was kept from the host's last run.
    init(settings: Settings, quarantine: Quarantine? = nil) {
        self.settings = settings
        self.quarantine = settings.crashes > 0 ? quarantine : nil
    }

    /// A worker of the plugin died by itself.
    ///
    /// - Parameters:
    ///   - what: Whose fault it was, how it ended and where: a part of a sentence.
    ///   - now: Microseconds of a clock that only goes forward.
    ///   - wall: The same moment in microseconds of wall time.
    /// - Returns: The quarantine, if this crash began it.
    mutating func crashed(_ what: String, now: Int64, wall: Int64) -> Quarantine? {
        guard settings.crashes > 0, quarantine == nil else { return nil }
        crashes.removeAll { now - $0.at >= settings.window }
        crashes.append(Crash(at: now, what: what))
        guard crashes.count >= settings.crashes else { return nil }
        let all = crashes.map(\.what)
        crashes = []
        quarantine = Quarantine(count: all.count, last: all.last ?? what, since: wall)
        return quarantine
    }

    /// The operator gives it another chance: what was before does not count any more.
    ///
    /// - Returns: Whether it was quarantined.
    mutating func release() -> Bool {
        defer { quarantine = nil }
        crashes = []
        return quarantine != nil
    }
}

/// Why a plugin is given no work; kept over restarts of the host.
struct Quarantine: Hashable, Sendable, Codable {
    /// How many crashes it took.
    var count: Int
    /// The last of them.
    var last: String
    /// Microseconds of wall time.
    var since: Int64

    /// For `spindle plugins list`.
    var reason: String { "\(count) crashes of its workers in a short time; the last: \(last)" }
}
