internal import SpindleCore

#if canImport(FoundationEssentials)
internal import FoundationEssentials
#else
internal import Foundation
#endif

/// What the store keeps as JSON text by an encoder: never on the road of a job, except once for each distinct policy.
enum StoredJSON {
    static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func value<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw SpindleError(.storeUnavailable, "The store holds text that cannot be read.", details: "\(error)")
        }
    }
}

/// A ``JobPolicy`` as it stands in a definition.
struct StoredPolicy: Codable {
    var strategy: RetryPolicy.Strategy
    var maxRetries: Int32
    var baseDelayMicroseconds: Int64
    var maxDelayMicroseconds: Int64
    var jitterPermille: Int32
    var timeoutMicroseconds: Int64
    var concurrencyKeyLimit: Int32
    var onInterrupted: InterruptionPolicy

    init(_ policy: JobPolicy) {
        strategy = policy.retry.strategy
        maxRetries = policy.retry.maxRetries
        baseDelayMicroseconds = policy.retry.baseDelay
        maxDelayMicroseconds = policy.retry.maxDelay
        jitterPermille = policy.retry.jitterPermille
        timeoutMicroseconds = policy.timeout
        concurrencyKeyLimit = policy.concurrencyKeyLimit
        onInterrupted = policy.onInterrupted
    }

    var policy: JobPolicy {
        let retry = RetryPolicy(
            strategy: strategy,
            maxRetries: maxRetries,
            baseDelay: baseDelayMicroseconds,
            maxDelay: maxDelayMicroseconds,
            jitterPermille: jitterPermille
        )
        return JobPolicy(
            retry: retry,
            timeout: timeoutMicroseconds,
            concurrencyKeyLimit: concurrencyKeyLimit,
            onInterrupted: onInterrupted
        )
    }
}

/// A ``Job`` as it stands in the table of definitions by name; its payload stands beside it.
struct StoredJob: Codable {
    struct Parameter: Codable {
        var name: String
        var value: String
    }

    var executorType: String?
    var target: String
    var parameters: [Parameter]
    var payloadType: String?
    var strategy: RetryPolicy.Strategy?
    var maxRetries: Int32?
    var baseDelayMicroseconds: Int64?
    var maxDelayMicroseconds: Int64?
    var jitterPermille: Int32?
    var timeoutMicroseconds: Int64?
    var concurrencyKeyLimit: Int32?
    var onInterrupted: InterruptionPolicy?
    var concurrencyKey: String?
    var priority: Int32

    init(_ job: Job) {
        executorType = job.executorType
        target = job.target
        parameters = job.parameters.entries.map { Parameter(name: $0.name, value: $0.value) }
        payloadType = job.payload?.contentType
        strategy = job.policy.strategy
        maxRetries = job.policy.maxRetries
        baseDelayMicroseconds = job.policy.baseDelay
        maxDelayMicroseconds = job.policy.maxDelay
        jitterPermille = job.policy.jitterPermille
        timeoutMicroseconds = job.policy.timeout
        concurrencyKeyLimit = job.policy.concurrencyKeyLimit
        onInterrupted = job.policy.onInterrupted
        concurrencyKey = job.concurrencyKey
        priority = job.priority
    }

    func job(id: JobID, name: String, payload: [UInt8]?) -> Job {
        var policy = PolicyOverrides(strategy: strategy, maxRetries: maxRetries, timeout: timeoutMicroseconds)
        policy.baseDelay = baseDelayMicroseconds
        policy.maxDelay = maxDelayMicroseconds
        policy.jitterPermille = jitterPermille
        policy.concurrencyKeyLimit = concurrencyKeyLimit
        policy.onInterrupted = onInterrupted
        return Job(
            id: id,
            name: name,
            executorType: executorType,
            target: target,
            parameters: Parameters(trusted: parameters.map { Parameters.Entry(name: $0.name, value: $0.value) }),
            payload: payload.map { Payload($0, contentType: payloadType) },
            policy: policy,
            concurrencyKey: concurrencyKey,
            priority: priority
        )
    }
}
