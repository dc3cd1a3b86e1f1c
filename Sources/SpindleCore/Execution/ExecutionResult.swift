/// What an executor says about one attempt: success, or a failure that it classifies. The host decides what follows.
public struct ExecutionResult: Hashable, Sendable {
    /// The plugin's class, or one of those that only the host may give.
    public enum Class: UInt8, Hashable, Sendable {
        /// Done.
        case success
        /// Failed; another try may help.
        case retryable
        /// Failed; another try would fail the same way.
        case permanent
        /// Ended because it was asked to.
        case cancelled
        /// Host only: the deadline came first.
        case timedOut
        /// Host only: this attempt took its worker down.
        case crashed
        /// Host only: lost through no fault of its own.
        case interrupted
        /// Host only: contract broken or bad parameters.
        case rejected
        /// Host only: it never began, because its executor takes nothing for now; it waits in the queue again.
        case deferred
    }

    /// How it ended.
    public var `class`: Class
    /// What the job produced.
    public var output: Payload?
    /// A stable code such as `http.status.404`; `spindle.` is the host's.
    public var errorCode: String?
    /// What went wrong, in a sentence.
    public var errorMessage: String?
    /// Where it went wrong.
    public var stackTrace: String?
    /// More about the error, as JSON text.
    public var details: String?
    /// Facts about the run, as JSON values.
    public var metadata: [String: JSONValue] {
        get { keptMetadata.values }
        set { keptMetadata = ResultMetadata(newValue) }
    }
    /// The same, for those who only pass them on.
    package var keptMetadata: ResultMetadata
    /// The least wait before the next try, in microseconds; overrides the next wait only.
    public var retryAfter: Int64?

    /// Whether the attempt succeeded.
    public var success: Bool { self.class == .success }
    /// The output as text.
    public var resultData: String? { output?.text }

    /// Describes how an attempt ended.
    public init(
        class: Class,
        output: Payload? = nil,
        errorCode: String? = nil,
        errorMessage: String? = nil,
        stackTrace: String? = nil,
        details: String? = nil,
        metadata: [String: JSONValue] = [:],
        retryAfter: Int64? = nil
    ) {
        self.class = `class`
        self.output = output
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.stackTrace = stackTrace
        self.details = details
        keptMetadata = ResultMetadata(metadata)
        self.retryAfter = retryAfter
    }

    /// Success, with text as the output if there is any.
    public static func success(_ data: String? = nil, metadata: [String: JSONValue] = [:]) -> ExecutionResult {
        ExecutionResult(class: .success, output: data.map { Payload($0) }, metadata: metadata)
    }

    /// A failure; retryable unless said otherwise.
    public static func failure(
        _ message: String,
        stackTrace: String? = nil,
        code: String? = nil,
        permanent: Bool = false
    ) -> ExecutionResult {
        ExecutionResult(
            class: permanent ? .permanent : .retryable,
            errorCode: code,
            errorMessage: message,
            stackTrace: stackTrace
        )
    }

    /// A failure that another try may cure, after at least so many microseconds.
    public static func retryable(_ message: String, code: String? = nil, retryAfter: Int64? = nil) -> ExecutionResult {
        ExecutionResult(class: .retryable, errorCode: code, errorMessage: message, retryAfter: retryAfter)
    }

    /// A failure that another try would not cure.
    public static func permanent(_ message: String, code: String? = nil) -> ExecutionResult {
        ExecutionResult(class: .permanent, errorCode: code, errorMessage: message)
    }
}
