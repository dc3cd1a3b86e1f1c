import SpindleCore

/// All that a worker needs to know of the executor that it serves.
struct InstancePlan: Sendable {
    /// The operator's name of the executor.
    var type: String
    /// The descriptor's type.
    var uses: String
    /// A JSON object.
    var config: String
    /// Flags of the descriptor, `SPINDLE_EXECUTOR_*`.
    var flags: UInt32
    /// Whether `can_execute` is worth asking.
    var canBeAsked: Bool
    /// The plugin's file name without `.so`.
    var plugin: String
    /// What surrounds its workers; nil is nothing.
    var isolation: WorkerIsolation?
    /// What its workers are given; nil if nothing is granted.
    var secrets: InstanceSecrets?

    /// Where the submissions of a trigger go; nil for an executor.
    var door: SubmissionDoor?

    var isTrigger: Bool { door != nil }
    var isConcurrent: Bool { flags & 0x04 != 0 }
    var isAsync: Bool { flags & 0x02 != 0 }
}
