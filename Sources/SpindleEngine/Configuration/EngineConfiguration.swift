public import SpindleCore

/// The engine's own settings; names and defaults are those of the original system's `ExecutionEngine` section.
public struct EngineConfiguration: Hashable, Sendable {
    /// Attempts that may run at once on this host; 1 … 10,000.
    public var maxConcurrentJobs: Int32 = 10
    /// Attempts of one executor type that may run at once, by type in lower case.
    public var typeLimits: [String: Int32] = [:]
    /// The policy of a job that says nothing.
    public var defaultPolicy = JobPolicy()
    /// Microseconds between asking an attempt to end and fixing its outcome; hard means follow in the same time again.
    public var cancelGrace: Int64 = 5_000_000
    /// Microseconds that a shutdown waits for running attempts before it asks them to end.
    public var drainTimeout: Int64 = 30_000_000
    /// How long final executions are kept.
    public var retention = Retention()
    /// Microseconds between two renewals of the host's lease.
    public var leaseRenewal: Int64 = 10_000_000
    /// Microseconds that a lease lasts.
    public var leaseDuration: Int64 = 30_000_000
    /// Crashes, or losses with a host, after which an execution fails.
    public var maxCrashes: Int32 = 3

    /// The defaults.
    public init() {}
}
