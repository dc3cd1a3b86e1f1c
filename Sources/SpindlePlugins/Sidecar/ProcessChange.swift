/// What code may change of what its whole process shares.
public enum ProcessChange: String, CaseIterable, Sendable {
    /// What a signal does.
    case signal
    /// Which signals are held back.
    case signalMask
    /// The working directory.
    case directory
    /// The file mode mask.
    case umask
    /// A variable.
    case environment
    /// How texts and numbers are written.
    case locale
    /// A resource limit.
    case limit
    /// An interval timer.
    case timer
    /// Whether it can be dumped, gain privileges, adopt orphans.
    case process
    /// Threads that run on.
    case threads
    /// Files that stay open.
    case descriptors

    /// Whether a host that shares its process with the code can be hurt by it.
    var isHarmful: Bool { self != .threads && self != .descriptors }

    /// The kind of a change such as `signal:SIGSEGV`; nil if it is none that is known.
    static func kind(of change: String) -> ProcessChange? {
        ProcessChange(rawValue: String(change.prefix { $0 != ":" }))
    }
}
