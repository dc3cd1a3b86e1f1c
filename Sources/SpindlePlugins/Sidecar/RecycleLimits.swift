/// How long a worker is used.
struct RecycleLimits: Hashable, Sendable {
    /// Attempts; nil is without end.
    var jobs: Int32?
    /// Microseconds from when it was ready; nil is without end.
    var age: Int64?
    /// Resident bytes of all its processes, looked at every few seconds; nil is without end.
    var memory: Int64?
}
