package import SpindleCore
package import SpindleServer

/// The line that says on a terminal how far an execution is.
package enum ProgressText {
    /// For instance `3316884d running, attempt 2, 12s, 40 % fetching`.
    package static func line(_ execution: ExecutionBody, now: Timestamp) -> String {
        var parts: [String] = []
        switch execution.state.state {
        case .running:
            parts.append("running")
            if execution.attempt > 1 { parts.append("attempt \(execution.attempt)") }
        case .scheduled, .retrying:
            let due = execution.runAt.map { $0.timestamp > now ? TimeText.relative($0.timestamp, now: now) : "now" }
            parts.append("\(execution.state.state)\(due.map { ", due \($0)" } ?? "")")
            if execution.attempt > 0 { parts.append("after attempt \(execution.attempt)") }
        case .waiting:
            parts.append("waiting for \(execution.pendingParents) other\(execution.pendingParents == 1 ? "" : "s")")
        case .queued, .succeeded, .failed, .cancelled, .skipped, .expired:
            parts.append("\(execution.state.state)")
        }
        if execution.cancelRequestedAt != nil { parts.append("asked to end") }
        let age = now.microseconds - execution.createdAt.timestamp.microseconds
        parts.append(TimeText.duration(max(age, 0) / 1_000_000 * 1_000_000))
        if let progress = execution.progress {
            let share = "\(Int((min(max(progress.fraction, 0), 1) * 100).rounded(.down))) %"
            parts.append(progress.note.isEmpty ? share : "\(share) \(SafeText.line(progress.note))")
        }
        return "\(execution.shortId) \(parts.joined(separator: ", "))"
    }
}
