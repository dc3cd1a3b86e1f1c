/// The bounds of everything that comes from outside; sizes in bytes.
public enum Limits {
    /// All parameter names and values of a job.
    public static let parameters = 256 * 1024
    /// Parameters of one job.
    public static let parameterCount = 1024
    /// Payload of a job, and the inline output of an attempt.
    public static let payload = 1024 * 1024
    /// A target.
    public static let target = 8 * 1024
    /// An executor type.
    public static let executorType = 128
    /// A concurrency, unique or idempotency key, or a job name.
    public static let key = 255
    /// Bytes that an attempt leaves for the next one.
    public static let checkpoint = 256 * 1024
    /// Metadata of a result.
    public static let metadata = 64 * 1024
    /// Details of an error.
    public static let details = 64 * 1024
    /// An error message.
    public static let message = 16 * 1024
    /// A stack trace.
    public static let stackTrace = 64 * 1024
    /// The note of a progress report.
    public static let progressNote = 1024
    /// One line of a log.
    public static let logLine = 16 * 1024
    /// The log of one attempt; head and tail are kept.
    public static let log = 10 * 1024 * 1024
    /// Executions that one may wait for.
    public static let dependencies = 100
    /// Submissions in one batch.
    public static let batch = 1000
    /// Time limit of an attempt in microseconds: 1 ms … 30 d.
    public static let timeout: ClosedRange<Int64> = 1000...2_592_000_000_000
    /// A delay or wait in microseconds: up to a year.
    public static let delay: ClosedRange<Int64> = 0...31_536_000_000_000
    /// Retries after the first try.
    public static let retries: ClosedRange<Int32> = 0...1000
    /// Priority; one step is worth 30 s of waiting.
    public static let priority: ClosedRange<Int32> = -100...100
    /// Slots of any limit.
    public static let slots: ClosedRange<Int32> = 1...10_000
}
