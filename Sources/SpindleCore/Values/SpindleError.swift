/// What went wrong, for a person: what happened, to what, and what to do.
public struct SpindleError: Error, Hashable, Sendable {
    /// A stable name of the kind of error. Open: new ones may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The name as it stands in JSON.
        public let name: String
        init(_ name: String) { self.name = name }
        /// The name as it stands in JSON.
        public var description: String { name }

        /// The request itself is wrong: nothing was stored.
        public static let invalidRequest = Code("invalidRequest")
        /// No executor can run the job.
        public static let noExecutor = Code("noExecutor")
        /// There is no such thing.
        public static let notFound = Code("notFound")
        /// The short name fits several things.
        public static let ambiguous = Code("ambiguous")
        /// The thing is in a state that forbids this.
        public static let conflict = Code("conflict")
        /// The same idempotency key came with another body.
        public static let idempotencyMismatch = Code("idempotencyMismatch")
        /// The operator has not allowed that.
        public static let denied = Code("denied")
        /// The configuration is wrong: file, line and key are in the message.
        public static let configuration = Code("configuration")
        /// The store cannot be read or written.
        public static let storeUnavailable = Code("storeUnavailable")
        /// The disk is full: submissions are refused until there is room.
        public static let storeFull = Code("storeFull")
        /// The host is shutting down and takes no new work.
        public static let draining = Code("draining")
        /// The host stopped while one was waiting; the execution survives in the store.
        public static let interrupted = Code("interrupted")
        /// The plugin cannot be loaded or used.
        public static let plugin = Code("plugin")
        /// A fault of Spindle itself.
        public static let `internal` = Code("internal")
    }

    /// The kind of error.
    public let code: Code
    /// One or two sentences for a person, without secrets.
    public let message: String
    /// More for the log: the system's own words, paths, numbers.
    public let details: String?

    /// Describes what went wrong.
    public init(_ code: Code, _ message: String, details: String? = nil) {
        self.code = code
        self.message = message
        self.details = details
    }
}

extension SpindleError: CustomStringConvertible {
    /// The sentence for a person.
    public var description: String { message }
}
