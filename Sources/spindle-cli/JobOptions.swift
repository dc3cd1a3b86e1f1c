import ArgumentParser
import Glibc
import SpindleCore
import SpindleServer

/// What to run: the same for `run`, `submit` and `jobs add`.
struct JobOptions: ParsableArguments {
    @Argument(help: "What the executor acts on, such as a URL; routes by its prefix unless --type is given.")
    var target: String?
    // Every value may begin with a dash: a priority, an argument, a payload.
    @Option(name: .long, parsing: .unconditional, help: "The executor type.")
    var type: String?
    @Option(name: .customLong("target"), parsing: .unconditional, help: "The same as the argument.")
    var namedTarget: String?
    @Option(name: .shortAndLong, parsing: .unconditionalSingleValue, help: "A parameter: NAME=VALUE. May be repeated.")
    var parameter: [String] = []
    @Option(name: .long, parsing: .unconditional, help: "The payload: text, @FILE, or @- for standard input.")
    var payload: String?
    @Option(name: .long, parsing: .unconditional, help: "The payload's media type.")
    var contentType: String?
    @Option(name: .long, parsing: .unconditional, help: "The time limit of each attempt, such as 30s.")
    var timeout: String?
    @Option(name: .long, parsing: .unconditional, help: "Retries after the first attempt; 0 to 1000.")
    var retries: String?
    @Option(
        name: .long,
        parsing: .unconditional,
        help: "exponential, linear, fixed or none.",
        completion: .list(RetryPolicy.Strategy.allCases.map(\.rawValue))
    )
    var retryStrategy: String?
    @Option(name: .long, parsing: .unconditional, help: "The first wait before a retry, such as 500ms.")
    var retryDelay: String?
    @Option(
        name: .long,
        parsing: .unconditional,
        help: "What to do if it is lost with its host: rerun or fail.",
        completion: .list(["rerun", "fail"])
    )
    var onInterrupted: String?
    @Option(name: .long, parsing: .unconditional, help: "-100 to 100; one step is worth 30 s of waiting.")
    var priority: String?
    @Option(name: .long, parsing: .unconditional, help: "Executions with the same key share --concurrency-limit.")
    var concurrencyKey: String?
    @Option(name: .long, parsing: .unconditional, help: "How many with the same key may run at once; 1 to 10000.")
    var concurrencyLimit: String?

    /// What the options say.
    ///
    /// - Parameter addsToJob: Whether a stored job says the rest.
    func body(addsToJob: Bool = false) throws -> SubmissionBody {
        if let target, let namedTarget {
            throw SpindleError(
                .invalidRequest,
                "The target is given twice: \(target.prefix(64)) and --target \(namedTarget.prefix(64))."
            )
        }
        if contentType != nil && payload == nil && !addsToJob {
            throw SpindleError(.invalidRequest, "--content-type is that of a payload: give --payload too.")
        }
        if concurrencyLimit != nil && concurrencyKey == nil && !addsToJob {
            throw SpindleError(.invalidRequest, "--concurrency-limit is that of a key: give --concurrency-key too.")
        }
        var body = SubmissionBody(type: type, target: namedTarget ?? target)
        if !parameter.isEmpty { body.parameters = ParametersBody(try parameters()) }
        if let payload { body.payload = PayloadBody(try Self.read(payload, contentType)) }
        var policy = PolicyBody()
        policy.timeout = try Checked.duration(timeout, "--timeout", Limits.timeout)
        policy.concurrencyKey = concurrencyKey
        policy.concurrencyLimit = try Checked.integer(concurrencyLimit, "--concurrency-limit", Limits.slots)
        if retries != nil || retryStrategy != nil || retryDelay != nil {
            var retry = RetryPolicyBody(maxRetries: try Checked.integer(retries, "--retries", Limits.retries))
            retry.baseDelay = try Checked.duration(retryDelay, "--retry-delay", 1000...3_600_000_000)
            if let retryStrategy {
                guard let strategy = RetryPolicy.Strategy(rawValue: retryStrategy.lowercased()) else {
                    let known = RetryPolicy.Strategy.allCases.map(\.rawValue).joined(separator: ", ")
                    throw SpindleError(.invalidRequest, "--retry-strategy \(retryStrategy): one of \(known) is wanted.")
                }
                retry.strategy = strategy
            }
            policy.retry = retry
        }
        if let onInterrupted {
            guard let choice = InterruptionPolicy(rawValue: onInterrupted) else {
                throw SpindleError(.invalidRequest, "--on-interrupted \(onInterrupted.prefix(64)): one of rerun, fail is wanted.")
            }
            policy.onInterrupted = choice
        }
        if policy != PolicyBody() { body.policy = policy }
        body.priority = try Checked.integer(priority, "--priority", Limits.priority)
        return body
    }

    private func parameters() throws -> Parameters {
        var parameters = Parameters()
        for text in parameter {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw SpindleError(.invalidRequest, "-p \(text.prefix(128)): NAME=VALUE is wanted.")
            }
            guard parameters[String(parts[0])] == nil else {
                throw SpindleError(.invalidRequest, "The parameter \"\(parts[0])\" is given twice.")
            }
            parameters[String(parts[0])] = String(parts[1])
        }
        return parameters
    }

    private static func read(_ text: String, _ contentType: String?) throws -> Payload {
        guard text.hasPrefix("@") else { return Payload(text, contentType: contentType ?? "text/plain; charset=utf-8") }
        let name = String(text.dropFirst())
        let descriptor = name == "-" ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw SpindleError(.invalidRequest, "The payload file \(name) cannot be read: \(String(cString: strerror(errno))).")
        }
        defer { if name != "-" { close(descriptor) } }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while bytes.count <= Limits.payload {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return Payload(bytes, contentType: contentType) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                throw SpindleError(.invalidRequest, "The payload file \(name) cannot be read: \(String(cString: strerror(errno))).")
            }
            bytes += buffer.prefix(count)
        }
        throw SpindleError(.invalidRequest, "The payload is larger than \(Limits.payload) bytes.")
    }
}

/// The checked parsers of flags.
enum Checked {
    static func integer(_ text: String?, _ flag: String, _ range: ClosedRange<Int32>) throws -> Int32? {
        guard let text else { return nil }
        guard let value = Int32(text), range.contains(value) else {
            throw SpindleError(
                .invalidRequest,
                "\(flag) \(text.prefix(64)): a whole number from \(range.lowerBound) to \(range.upperBound) is wanted."
            )
        }
        return value
    }

    static func duration(_ text: String?, _ flag: String, _ range: ClosedRange<Int64>) throws -> DurationBody? {
        guard let text else { return nil }
        guard let value = DurationText.microseconds(text, in: range) else {
            throw SpindleError(
                .invalidRequest,
                "\(flag) \(text.prefix(64)): a duration such as 500ms, 30s or 5m is wanted, from "
                    + "\(DurationText.text(range.lowerBound)) to \(DurationText.text(range.upperBound))."
            )
        }
        return DurationBody(microseconds: value)
    }

    static func time(_ text: String?, _ flag: String) throws -> TimeBody? {
        guard let text else { return nil }
        guard let value = Timestamp(rfc3339: text) else {
            throw SpindleError(.invalidRequest, "\(flag) \(text.prefix(64)): a time such as 2030-01-31T09:00:00Z is wanted.")
        }
        return TimeBody(value)
    }
}
