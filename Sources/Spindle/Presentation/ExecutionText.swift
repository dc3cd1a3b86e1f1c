package import SpindleCore
package import SpindleServer

/// All about one execution, for people.
package enum ExecutionText {
    /// What it is, where it is in its life, and what it may do.
    package static func fields(_ execution: ExecutionBody, now: Timestamp) -> Fields {
        var fields = Fields()
        fields.add("execution", execution.id)
        fields.add("job", execution.job)
        fields.add("type", execution.type)
        fields.add("target", execution.target)
        fields.add("state", state(execution, now: now))
        fields.add("created", moment(execution.createdAt, now: now))
        fields.add("not before", execution.state.state == .scheduled ? moment(execution.runAt, now: now) : nil)
        fields.add("start by", moment(execution.startBy, now: now))
        fields.add("started", moment(execution.startedAt, now: now))
        fields.add("finished", moment(execution.finishedAt, now: now))
        fields.add("asked to end", moment(execution.cancelRequestedAt, now: now))
        fields.add("after", execution.after?.map { "\($0.id):\($0.on.rawValue)" }.joined(separator: ", "))
        fields.add("priority", execution.priority == 0 ? nil : "\(execution.priority)")
        fields.add("time limit", execution.policy.timeout.map { DurationText.text($0.microseconds) })
        fields.add("retries", retries(execution))
        if let key = execution.policy.concurrencyKey {
            fields.add("concurrency key", "\(key), \(execution.policy.concurrencyLimit ?? 1) at once")
        }
        fields.add("counts", counts(execution))
        for entry in execution.parameters.parameters.entries {
            fields.add(entry.name, "= \(SafeText.shortened(SafeText.line(entry.value), to: 200))")
        }
        return fields
    }

    /// What an attempt left besides its line in the table: where it went wrong, and facts.
    package static func remarks(_ attempt: AttemptBody) -> [String] {
        var lines: [String] = []
        if let details = attempt.error?.details { lines.append("details  \(SafeText.line(details))") }
        if let trace = attempt.error?.stackTrace {
            lines += trace.split(separator: "\n").map { "  \(SafeText.line($0))" }
        }
        if !attempt.metadata.isEmpty {
            let facts = attempt.metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\(text($0.value))" }
            lines.append(SafeText.line(facts.joined(separator: " ")))
        }
        return lines.isEmpty ? [] : ["attempt \(attempt.number):"] + lines.map { "  \($0)" }
    }

    private static func state(_ execution: ExecutionBody, now: Timestamp) -> String {
        switch execution.state.state {
        case .retrying: "retrying, next attempt \(execution.runAt.map { TimeText.relative($0.timestamp, now: now) } ?? "soon")"
        case .waiting: "waiting for \(execution.pendingParents) other\(execution.pendingParents == 1 ? "" : "s")"
        case .running: String(ProgressText.line(execution, now: now).dropFirst(execution.shortId.count + 1))
        default: "\(execution.state.state)"
        }
    }

    private static func moment(_ time: TimeBody?, now: Timestamp) -> String? {
        time.map { "\($0.timestamp) (\(TimeText.relative($0.timestamp, now: now)))" }
    }

    private static func retries(_ execution: ExecutionBody) -> String? {
        guard let retry = execution.policy.retry, let strategy = retry.strategy, strategy != .none else { return "none" }
        let delays = [retry.baseDelay, retry.maxDelay].compactMap { $0.map { DurationText.text($0.microseconds) } }
        let extra = execution.extraRetries > 0 ? " and \(execution.extraRetries) by hand" : ""
        return "\(retry.maxRetries ?? 0)\(extra), \(strategy.rawValue), \(delays.joined(separator: " to "))"
    }

    private static func counts(_ execution: ExecutionBody) -> String? {
        let counts = [(execution.failures, "failures"), (execution.crashes, "crashes"), (execution.losses, "losses with a host")]
        return counts.filter { $0.0 > 0 }.map { "\($0.1): \($0.0)" }.joined(separator: ", ")
    }

    private static func text(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .double(let value): "\(value)"
        case .string(let value): value
        case .array(let values): "[\(values.map(text).joined(separator: ","))]"
        case .object(let values):
            "{\(values.sorted { $0.key < $1.key }.map { "\($0.key):\(text($0.value))" }.joined(separator: ","))}"
        }
    }
}
