/// How a trigger of a plugin does.
public struct TriggerReport: Hashable, Sendable {
    /// What it is doing.
    public enum State: Hashable, Sendable {
        /// The host does not serve, or keeps what it accepts in memory only: then nothing is taken.
        case stopped
        /// It watches.
        case running
        /// It ended and is started again soon; why.
        case resting(String)
        /// It is started again only when an operator has changed something; why.
        case failed(String)
    }

    /// The operator's name for it.
    public var name: String
    /// The plugin's kind of trigger.
    public var uses: String
    /// What it is doing.
    public var state = State.stopped
    /// Submissions that are durable; those that were known already are among them.
    public var accepted: Int64 = 0
    /// Submissions that will never be taken.
    public var refused: Int64 = 0
    /// Submissions that could not be taken just then.
    public var deferred: Int64 = 0
    /// Why the last one was not taken.
    public var lastRefusal: String?
}
