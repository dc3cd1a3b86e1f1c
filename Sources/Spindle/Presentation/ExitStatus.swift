package import SpindleCore
import SpindleServer

/// How a command ends, for scripts. `spindle --help` and the README list them; they never change.
package enum ExitStatus: Int32, CaseIterable, Sendable {
    /// The command did what it was asked; an execution that it waited for succeeded.
    case succeeded = 0
    /// The execution failed.
    case failed = 1
    /// The command line or the configuration is wrong, or the request was refused; nothing was stored.
    case refused = 2
    /// No host answers, or the store cannot be used.
    case unavailable = 3
    /// There is no such execution, job or plugin.
    case notFound = 4
    /// The execution expired or was skipped: its code never ran.
    case neverRan = 5
    /// The execution failed, and its last attempt reached its time limit.
    case timedOut = 124
    /// Ended by Ctrl-C.
    case interrupted = 130
    /// The execution was cancelled.
    case cancelled = 143

    /// The status for the end of an execution; nil if it has not ended.
    package init?(_ state: ExecutionState, lastOutcome: AttemptOutcome?) {
        switch state {
        case .succeeded: self = .succeeded
        case .failed: self = lastOutcome == .timedOut ? .timedOut : .failed
        case .cancelled: self = .cancelled
        case .skipped, .expired: self = .neverRan
        case .scheduled, .waiting, .queued, .running, .retrying: return nil
        }
    }

    /// The status for an error's code, wherever it came from.
    package init(code: String) {
        switch code {
        case "notFound": self = .notFound
        case "storeUnavailable", "storeFull", "draining", "interrupted", "internal": self = .unavailable
        default: self = .refused
        }
    }

    /// The status for an error.
    package init(_ error: any Error) {
        switch error {
        case let error as SpindleError: self.init(code: error.code.name)
        case let problem as ProblemBody: self.init(code: problem.code)
        case is CancellationError: self = .interrupted
        default: self = .unavailable
        }
    }
}

/// Details in one line of moderate length; the host's own log has all of them.
private func shortDetails(_ details: String) -> String {
    SafeText.shortened(details.split(whereSeparator: \.isWhitespace).joined(separator: " "), to: 200)
}

/// The sentence of an error, for a person.
package func errorSentence(_ error: any Error) -> String {
    switch error {
    case let error as SpindleError: error.details.map { "\(error.message) (\(shortDetails($0)))" } ?? error.message
    case let problem as ProblemBody: problem.detail
    default: "\(error)"
    }
}
