import SpindleCore

/// A stable hash of everything in a submission, to tell a repeated request from another one under the same idempotency key.
///
/// Two FNV-1a streams (RFC 9923) with different starts. Not for adversaries: keys are separate for each principal, so one could only deceive
/// oneself.
enum SubmissionHash {
    static func hash(_ submission: Submission) -> [UInt8] {
        var hash = State()
        let job = submission.job
        hash.add(job.name)
        hash.add(job.executorType)
        hash.add(job.target)
        for entry in job.parameters.entries.sorted(by: { $0.name < $1.name }) {
            hash.add(entry.name)
            hash.add(entry.value)
        }
        hash.add(job.payload?.contentType)
        hash.add(bytes: job.payload?.bytes ?? [])
        add(job.policy, to: &hash)
        hash.add(job.concurrencyKey)
        hash.add(Int64(job.priority))
        hash.add(submission.id?.description)
        hash.add(submission.uniqueKey)
        // As they were given: what a delay comes to is another moment each time.
        hash.add(submission.runAt?.microseconds)
        hash.add(submission.delay)
        hash.add(submission.startBy?.microseconds)
        for parent in submission.after { hash.add("\(parent.parent) \(parent.on.rawValue)") }
        return hash.bytes
    }

    /// Field by field: how Swift prints a struct is nobody's promise.
    private static func add(_ policy: PolicyOverrides, to hash: inout State) {
        hash.add(policy.strategy?.rawValue)
        for number in [policy.maxRetries, policy.jitterPermille, policy.concurrencyKeyLimit] { hash.add(number.map { Int64($0) }) }
        for number in [policy.baseDelay, policy.maxDelay, policy.timeout] { hash.add(number) }
        hash.add(policy.onInterrupted?.rawValue)
    }

    private struct State {
        var first: UInt64 = 0xCBF2_9CE4_8422_2325
        var second: UInt64 = 0x6C62_272E_07BB_0142

        mutating func add(_ byte: UInt8) {
            first = (first ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
            second = (second ^ UInt64(byte ^ 0x5A)) &* 0x0000_0100_0000_01B3
        }

        mutating func add(bytes: [UInt8]) {
            for shift in stride(from: 0, to: 64, by: 8) { add(UInt8(truncatingIfNeeded: bytes.count >> shift)) }
            for byte in bytes { add(byte) }
        }

        mutating func add(_ number: Int64?) {
            add(number == nil ? UInt8(0) : 1)
            guard let number else { return }
            for shift in stride(from: 0, to: 64, by: 8) { add(UInt8(truncatingIfNeeded: number >> shift)) }
        }

        mutating func add(_ text: String?) {
            add(text == nil ? UInt8(0) : 1)
            if let text { add(bytes: Array(text.utf8)) }
        }

        var bytes: [UInt8] { UUIDv7(high: first, low: second).bytes }
    }
}
