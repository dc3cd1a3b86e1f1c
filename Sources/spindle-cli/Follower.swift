import FoundationEssentials
import Glibc
import Spindle
import SpindleCore
import SpindleServer
import Synchronization
import UnixSignals

/// Follows one execution to its end: log to standard error, output to standard output.
struct Follower {
    let access: HostAccess
    let json: Bool

    /// Follows it.
    ///
    /// - Parameters:
    ///   - id: The execution.
    ///   - signals: Those that cancel it; trapped before it was submitted, so that none comes too early. Nil leaves signals alone.
    func follow(_ id: String, cancelledBy signals: UnixSignalsSequence?) async throws -> ExitStatus {
        let interrupt = InterruptFlag()
        let end = try await withThrowingTaskGroup(of: ExecutionBody?.self) { group in
            let (access, id) = (access, id)
            // On a terminal somebody watches: the line below the log moves.
            let step: Int64 = Terminal.isError ? 500_000 : 30_000_000
            group.addTask {
                try await access.end(of: id, step: step) { Terminal.progress(ProgressText.line($0, now: SystemClock().now)) }
            }
            group.addTask {
                try await Self.printLog(of: id, access)
                return nil
            }
            if let signals {
                group.addTask {
                    for await signal in signals {
                        // The second one does not wait for anything.
                        let status = CommandEnd.status(of: signal)
                        if interrupt.raise(status) { Glibc.exit(status.rawValue) }
                        do {
                            _ = try await access.cancel(id)
                        } catch {
                            Terminal.error("spindle: \(errorSentence(error))")
                        }
                    }
                    return nil
                }
            }
            var end: ExecutionBody?
            // The log ends with the execution, just before or just after it is final.
            var parts = 2
            while parts > 0, let part = try await group.next() {
                parts -= 1
                if let part { end = part }
            }
            group.cancelAll()
            guard let end else { throw SpindleError(.internal, "The end of \(id) was not seen.") }
            return end
        }
        Terminal.progress("")
        try await show(end: end)
        if let status = interrupt.status { return status }
        return Self.status(end) ?? .failed
    }

    /// Shows the end of an execution; nil if it has not ended.
    func status(of id: String) async throws -> ExitStatus? {
        let execution = try await access.execution(id)
        guard let status = Self.status(execution) else { return nil }
        Terminal.progress("")
        try await show(end: execution)
        return status
    }

    private static func status(_ execution: ExecutionBody) -> ExitStatus? {
        ExitStatus(execution.state.state, lastOutcome: execution.lastOutcome.flatMap(AttemptOutcome.init))
    }

    private static func printLog(of id: String, _ access: HostAccess) async throws {
        for try await line in access.logs(of: id, follow: true) { LogPrinter.print(line, to: STDERR_FILENO) }
    }

    /// An execution with what it gave.
    private struct EndedExecution: Encodable {
        enum CodingKeys: CodingKey { case output }
        let execution: ExecutionBody
        let output: PayloadBody?

        func encode(to encoder: any Encoder) throws {
            try execution.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encodeIfPresent(output, forKey: .output)
        }
    }

    private func show(end: ExecutionBody) async throws {
        if json {
            let output = try await access.output(of: end.id).map { PayloadBody($0) }
            try JSONText.print(EndedExecution(execution: end, output: output))
            return
        }
        if let output = try await access.output(of: end.id) { Terminal.print(output: output.bytes) }
        guard end.state.state != .succeeded else { return }
        let error = try await access.attempts(of: end.id).last?.error
        let reason = error?.message.map { ": \(SafeText.line($0))" } ?? ""
        let code = error?.code.map { " [\($0)]" } ?? ""
        let attempts = end.attempt == 0 ? "without an attempt" : "after \(end.attempt) attempt\(end.attempt == 1 ? "" : "s")"
        Terminal.error("spindle: execution \(end.shortId) \(end.state.state) \(attempts)\(reason)\(code)")
    }
}

/// The status for the first signal that came.
private final class InterruptFlag: Sendable {
    private let state = Mutex<ExitStatus?>(nil)

    var status: ExitStatus? { state.withLock { $0 } }

    /// Notes a signal; true if it is not the first one.
    func raise(_ status: ExitStatus) -> Bool {
        state.withLock { state in
            guard state == nil else { return true }
            state = status
            return false
        }
    }
}

/// One line of log for a person.
enum LogPrinter {
    static func print(_ line: [UInt8], to descriptor: Int32) {
        guard let body = try? JSONDecoder().decode(LogLineBody.self, from: Data(line)) else { return }
        let fields = (body.fields ?? [:]).sorted { $0.key < $1.key }
            .map { " \(SafeText.line($0.key))=\(SafeText.line($0.value))" }.joined()
        let text = "\(body.at.timestamp) \(body.level) \(body.stream) \(SafeText.line(body.message))\(fields)\n"
        if descriptor == STDERR_FILENO { Terminal.lines(text) } else { Terminal.write(Array(text.utf8), to: descriptor) }
    }
}
