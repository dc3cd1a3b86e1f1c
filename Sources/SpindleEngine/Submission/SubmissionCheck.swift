import SpindleCore

/// Refuses what is out of bounds before anything is stored; each message names the field and what is allowed.
enum SubmissionCheck {
    /// Throws `invalidRequest` for the first thing that is wrong.
    ///
    /// - Parameter now: The moment of the submission.
    static func check(_ submission: Submission, now: Timestamp) throws(SpindleError) {
        let job = submission.job
        try check(job)
        try text(submission.uniqueKey, "uniqueKey", Limits.key)
        try text(submission.idempotencyKey, "idempotencyKey", Limits.key)
        if !submission.principal.isEmpty { try text(submission.principal, "principal", Limits.key) }
        if submission.after.count > Limits.dependencies {
            throw invalid("\"after\" names \(submission.after.count) executions; at most \(Limits.dependencies) are allowed.")
        }
        // As W3C Trace Context has them.
        try text(submission.traceParent, "traceparent", 55)
        try text(submission.traceState, "tracestate", 512)
        try time(submission, now: now)
    }

    private static func time(_ submission: Submission, now: Timestamp) throws(SpindleError) {
        if submission.runAt != nil && submission.delay != nil { throw invalid("Give \"runAt\" or \"delay\", not both.") }
        try duration(submission.delay, Limits.delay, "delay")
        guard let startBy = submission.startBy else { return }
        if let runAt = submission.runAt ?? submission.delay.map({ now.advanced(byMicroseconds: $0) }), startBy < runAt {
            throw invalid("\"startBy\" (\(startBy)) lies before \"runAt\" (\(runAt)).")
        }
        // A request that is repeated under its key may be late: it asks for the execution that is there.
        if startBy <= now && submission.id == nil && submission.idempotencyKey == nil {
            throw invalid("\"startBy\" (\(startBy)) has passed: it is \(now).")
        }
    }

    /// The same for a job alone.
    static func check(_ job: Job) throws(SpindleError) {
        if let name = job.name { try jobName(name) }
        try text(job.executorType, "type", Limits.executorType)
        if job.target.utf8.count > Limits.target {
            throw invalid("\"target\" has \(job.target.utf8.count) bytes; at most \(Limits.target) are allowed.")
        }
        if job.target.utf8.contains(0) { throw invalid("\"target\" contains a NUL.") }
        if job.target.isEmpty && job.executorType == nil {
            throw invalid("A job needs a \"target\" or a \"type\".")
        }
        try parameters(job.parameters)
        if let payload = job.payload, payload.bytes.count > Limits.payload {
            throw invalid("\"payload\" has \(payload.bytes.count) bytes; at most \(Limits.payload) are allowed.")
        }
        try text(job.payload?.contentType, "contentType", 256)
        try text(job.concurrencyKey, "concurrencyKey", Limits.key)
        try range(job.priority, Limits.priority, "priority")
        try policy(job.policy)
    }

    private static func policy(_ policy: PolicyOverrides) throws(SpindleError) {
        try range(policy.maxRetries, Limits.retries, "maxRetries")
        try range(policy.concurrencyKeyLimit, Limits.slots, "concurrencyKeyLimit")
        try range(policy.jitterPermille, 0...1000, "jitter (permille)")
        try duration(policy.timeout, Limits.timeout, "timeout")
        try duration(policy.baseDelay, 1000...3_600_000_000, "retry delay")
        try duration(policy.maxDelay, 1000...3_600_000_000, "longest retry delay")
    }

    private static func parameters(_ parameters: Parameters) throws(SpindleError) {
        if parameters.count > Limits.parameterCount {
            throw invalid("\(parameters.count) parameters were given; at most \(Limits.parameterCount) are allowed.")
        }
        if parameters.byteCount > Limits.parameters {
            throw invalid("The parameters have \(parameters.byteCount) bytes; at most \(Limits.parameters) are allowed.")
        }
        var seen = Set<String>()
        for entry in parameters.entries {
            if !isParameterName(entry.name) {
                throw invalid(
                    "The parameter name \"\(entry.name.prefix(128))\" is not allowed: a letter or _, then letters, "
                        + "digits, _, . or -, at most 128."
                )
            }
            if entry.value.utf8.contains(0) { throw invalid("The parameter \"\(entry.name)\" contains a NUL.") }
            if parameters.count > 1 && !seen.insert(entry.name).inserted {
                throw invalid("The parameter \"\(entry.name)\" is given twice.")
            }
        }
    }

    private static func isParameterName(_ name: String) -> Bool {
        let bytes = name.utf8
        guard let first = bytes.first, bytes.count <= 128, first.isLetter || first == UInt8(ascii: "_") else {
            return false
        }
        return bytes.allSatisfy { $0.isNameByte }
    }

    private static func jobName(_ name: String) throws(SpindleError) {
        let bytes = name.utf8
        guard let first = bytes.first, bytes.count <= 128, first.isLetter || first.isDigit, bytes.allSatisfy(\.isNameByte)
        else {
            throw invalid(
                "The job name \"\(name.prefix(128))\" is not allowed: a letter or digit, then letters, digits, _, . or -, "
                    + "at most 128."
            )
        }
    }

    private static func text(_ value: String?, _ field: String, _ limit: Int) throws(SpindleError) {
        guard let value else { return }
        if value.isEmpty { throw invalid("\"\(field)\" is empty; leave it out.") }
        if value.utf8.count > limit {
            throw invalid("\"\(field)\" has \(value.utf8.count) bytes; at most \(limit) are allowed.")
        }
        if value.utf8.contains(where: { $0 < 0x20 }) { throw invalid("\"\(field)\" contains a control character.") }
    }

    private static func range(_ value: Int32?, _ range: ClosedRange<Int32>, _ field: String) throws(SpindleError) {
        guard let value, !range.contains(value) else { return }
        throw invalid("\"\(field)\" is \(value); \(range.lowerBound) to \(range.upperBound) is allowed.")
    }

    private static func duration(_ value: Int64?, _ range: ClosedRange<Int64>, _ field: String) throws(SpindleError) {
        guard let value, !range.contains(value) else { return }
        throw invalid(
            "\"\(field)\" is \(DurationText.text(value)); \(DurationText.text(range.lowerBound)) to "
                + "\(DurationText.text(range.upperBound)) is allowed."
        )
    }

    private static func invalid(_ message: String) -> SpindleError { SpindleError(.invalidRequest, message) }
}

extension UInt8 {
    fileprivate var isLetter: Bool { (65...90).contains(self) || (97...122).contains(self) }
    fileprivate var isDigit: Bool { (48...57).contains(self) }
    fileprivate var isNameByte: Bool {
        isLetter || isDigit || self == UInt8(ascii: "_") || self == UInt8(ascii: ".") || self == UInt8(ascii: "-")
    }
}
