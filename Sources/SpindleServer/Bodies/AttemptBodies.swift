public import SpindleCore

/// An attempt in JSON.
public struct AttemptBody: Codable, Hashable, Sendable {
    /// Its ordinal, from 1.
    public var number: Int32
    /// How it ended; absent while it runs.
    public var outcome: String?
    /// When it was started.
    public var startedAt: TimeBody?
    /// When its outcome was fixed.
    public var finishedAt: TimeBody?
    /// What went wrong.
    public var error: ErrorBody?
    /// Facts about the run.
    public var metadata: [String: JSONValue]
    /// Who ran it.
    public var ranOn: String?

    /// Shows an attempt.
    public init(_ attempt: Attempt) {
        number = attempt.number
        outcome = attempt.outcome?.description
        startedAt = attempt.startedAt.map { TimeBody($0) }
        finishedAt = attempt.finishedAt.map { TimeBody($0) }
        if attempt.errorCode != nil || attempt.errorMessage != nil {
            error = ErrorBody(
                code: attempt.errorCode,
                message: attempt.errorMessage,
                stackTrace: attempt.stackTrace,
                details: attempt.details
            )
        }
        metadata = attempt.metadata
        ranOn = attempt.ranOn
    }
}

/// The attempts of an execution in JSON, oldest first.
public struct AttemptListBody: Codable, Sendable {
    /// Every attempt.
    public var attempts: [AttemptBody]

    /// Lists attempts.
    public init(attempts: [AttemptBody]) { self.attempts = attempts }
}

/// One line of log in JSON: one line of `application/x-ndjson`.
public struct LogLineBody: Codable, Hashable, Sendable {
    /// Its place in the execution's log; give it as `after` to go on from here.
    public var sequence: Int64
    /// When the host received it.
    public var at: TimeBody
    /// The attempt it belongs to.
    public var attempt: Int32
    /// `trace` … `critical`.
    public var level: String
    /// `plugin`, `stdout`, `stderr` or `host`.
    public var stream: String
    /// The line.
    public var message: String
    /// Names and values beside it; of a repeated name the last value.
    public var fields: [String: String]?

    /// Shows a line.
    public init(_ record: LogRecord) {
        sequence = record.sequence
        at = TimeBody(record.at)
        attempt = record.key.attempt
        level = record.line.level.name
        stream = record.line.stream.name
        message = record.line.message
        let fields = record.line.fields
        self.fields = fields.isEmpty ? nil : Dictionary(fields, uniquingKeysWith: { $1 })
    }
}

/// A file that an attempt made, in JSON.
public struct ArtefactBody: Codable, Hashable, Sendable {
    /// The attempt.
    public var attempt: Int32
    /// Its name.
    public var name: String
    /// Its size in bytes.
    public var size: Int64
    /// SHA-256 in hexadecimal; absent while it is being written.
    public var sha256: String?

    /// Shows a file.
    public init(_ artefact: Artefact) {
        attempt = artefact.key.attempt
        name = artefact.name
        size = artefact.size
        sha256 = artefact.sha256
    }
}

/// The files of an execution in JSON.
public struct ArtefactListBody: Codable, Sendable {
    /// The files.
    public var artefacts: [ArtefactBody]

    /// Lists files.
    public init(artefacts: [ArtefactBody]) { self.artefacts = artefacts }
}
