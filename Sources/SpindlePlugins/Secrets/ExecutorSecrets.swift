import SpindleCore
import Synchronization

/// The secrets of one executor: which are granted, and what must not leave its workers. Any thread.
final class ExecutorSecrets: Sendable {
    private struct State {
        /// By name, the newest last: a value that was replaced may still come out of a worker that has it.
        var known: [String: [SecretValue]] = [:]
        var redaction: Redaction?
        var files: [AttemptKey: [String: RedactedStream]] = [:]
        var lines: [AttemptKey: [LogStream: RedactedLines]] = [:]
    }

    private let source: SecretSource?
    let granted: Set<String>
    let plugin: String
    private let isRedacting: Bool
    private let state = Mutex(State())
    private let ended = Mutex<(@Sendable ([AttemptKey]) -> Void)?>(nil)

    /// Of each secret so many values are remembered.
    private static let remembered = 3

    /// - Parameter isRedacting: Off only where a test shows what would come out.
    init(source: SecretSource?, granted: Set<String>, plugin: String, isRedacting: Bool = true) {
        self.isRedacting = isRedacting
        self.source = source
        self.granted = granted
        self.plugin = plugin
    }

    // MARK: Values

    /// Reads the secrets of these names. May block.
    func resolve(_ names: [String]) throws(SecretFailure) -> [NamedSecret] {
        var result: [NamedSecret] = []
        for name in names {
            guard granted.contains(name) else { throw SecretFailure.denied(name, plugin: plugin) }
            guard let source else {
                throw SecretFailure(
                    code: "spindle.secret.missing",
                    message: "There is no secret \"\(name)\": this host has no directory of secrets (secrets.directory)."
                )
            }
            let value = try source.read(name)
            remember(value, name)
            result.append(NamedSecret(name: name, value: value))
        }
        return result
    }

    private func remember(_ value: SecretValue, _ name: String) {
        guard isRedacting else { return }
        state.withLock { state in
            var values = state.known[name] ?? []
            if values.contains(where: { $0.isSame(as: value) }) { return }
            values.append(value)
            if values.count > Self.remembered { values.removeFirst() }
            state.known[name] = values
            state.redaction = Redaction(state.known.values.joined().flatMap { SecretPatterns.all(of: $0.bytes) })
        }
    }

    // MARK: What leaves

    /// Text without secrets.
    func redact(_ text: String) -> String { state.withLock(\.redaction)?.text(text) ?? text }

    /// A line without secrets, and without the half of one where a long line may have been cut: no other line follows it for sure.
    func redact(_ line: LogLine) -> LogLine {
        guard let redaction = state.withLock(\.redaction) else { return line }
        var clean = Self.redact(line, redaction)
        // Fields count too: of a line that is long with them, the message may have been cut shorter.
        let size = line.fields.reduce(line.message.utf8.count) { $0 + $1.0.utf8.count + $1.1.utf8.count }
        clean.message = redaction.text(line.message, cutTo: size >= RedactedLines.long ? 0 : Int.max)
        return clean
    }

    /// Who wants to know of attempts whose code has ended.
    func onEnded(_ receiver: @escaping @Sendable ([AttemptKey]) -> Void) { ended.withLock { $0 = receiver } }

    /// Lets events out, without secrets.
    func pass(_ events: [AttemptEvent]) -> [AttemptEvent] {
        let clean = redact(events)
        let over = events.compactMap { event -> AttemptKey? in
            switch event {
            case .finished(let key, _, _, codeEnded: true), .codeEnded(let key): key
            default: nil
            }
        }
        if !over.isEmpty { ended.withLock { $0 }?(over) }
        return clean
    }

    private func redact(_ events: [AttemptEvent]) -> [AttemptEvent] {
        state.withLock { state in
            guard let redaction = state.redaction else { return events }
            return events.flatMap { Self.redact($0, redaction, &state) }
        }
    }

    private static func redact(
        _ event: AttemptEvent,
        _ redaction: Redaction,
        _ state: inout State
    ) -> [AttemptEvent] {
        switch event {
        case .finished(let key, let result, let ranOn, let codeEnded):
            // Files that were not closed: what waits for their next piece is all there will be.
            state.lines[key] = nil
            let rests = (state.files.removeValue(forKey: key) ?? [:]).compactMap { name, stream -> AttemptEvent? in
                var stream = stream
                let rest = stream.take([], redaction, isLast: true)
                return rest.isEmpty ? nil : .artefact(key, name: name, chunk: ArtefactChunk(rest), isLast: false)
            }
            return rests + [.finished(key, redact(result, redaction), ranOn: ranOn, codeEnded: codeEnded)]
        case .codeEnded(let key):
            // Its last lines may have come after its result.
            state.lines[key] = nil
            return [event]
        case .abandoned: return [event]
        case .log(let key, let line):
            var line = redact(line, redaction)
            line.message = state.lines[key, default: [:]][line.stream, default: RedactedLines()].take(line.message, redaction)
            return [.log(key, line)]
        case .progress(let key, let fraction, let note):
            return [.progress(key, fraction: fraction, note: redaction.text(note, cutTo: Limits.progressNote))]
        case .checkpoint(let key, let bytes): return [.checkpoint(key, redaction.bytes(bytes))]
        case .artefact(let key, let name, let chunk, let isLast):
            let name = redaction.text(name)
            var stream = state.files[key]?[name] ?? RedactedStream()
            let clean = ArtefactChunk(stream.take(chunk.bytes, redaction, isLast: isLast), receipt: chunk.receipt)
            state.files[key, default: [:]][name] = isLast ? nil : stream
            return clean.bytes.isEmpty && !isLast ? [] : [.artefact(key, name: name, chunk: clean, isLast: isLast)]
        }
    }

    private static func redact(_ line: LogLine, _ redaction: Redaction) -> LogLine {
        var line = line
        line.message = redaction.text(line.message)
        line.fields = line.fields.map { (redaction.text($0), redaction.text($1)) }
        return line
    }

    private static func redact(_ result: ExecutionResult, _ redaction: Redaction) -> ExecutionResult {
        var result = result
        result.output = result.output.map { output in
            Payload(redaction.bytes(output.bytes), contentType: output.contentType.map(redaction.text))
        }
        result.errorCode = result.errorCode.map(redaction.text)
        result.errorMessage = result.errorMessage.map { redaction.text($0, cutTo: Limits.message) }
        result.stackTrace = result.stackTrace.map { redaction.text($0, cutTo: Limits.stackTrace) }
        result.details = result.details.map(redaction.text)
        if !result.keptMetadata.isEmpty {
            result.metadata = Dictionary(
                result.metadata.map { (redaction.text($0), redact($1, redaction)) },
                uniquingKeysWith: { first, _ in first }
            )
        }
        return result
    }

    private static func redact(_ value: JSONValue, _ redaction: Redaction) -> JSONValue {
        switch value {
        case .string(let text): .string(redaction.text(text))
        case .array(let items): .array(items.map { redact($0, redaction) })
        case .object(let members):
            .object(
                Dictionary(
                    members.map { (redaction.text($0), redact($1, redaction)) },
                    uniquingKeysWith: { first, _ in first }
                )
            )
        default: value
        }
    }
}
