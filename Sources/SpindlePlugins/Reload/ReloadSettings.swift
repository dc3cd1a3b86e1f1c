/// How new versions of plugins are taken while the host runs.
public struct ReloadSettings: Hashable, Sendable {
    /// Whether the directory is watched; otherwise only a command has it looked at again.
    public var isWatching = true
    /// So many first attempts of a new version are on trial; 0 … 10,000, 0 tries none.
    public var trialAttempts: Int32 = 20
    /// A new version is taken back when a larger share of its trial fails, in permille.
    public var trialFailures: Int32 = 500
    /// A trial that has not come to an end by then is passed, in microseconds.
    public var trialTime: Int64 = 600_000_000
    /// A burst of changes is over when nothing has changed for so long, in microseconds.
    var quiet: Int64 = 200_000

    /// The defaults.
    public init() {}
}
