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
        hash.add("\(job.policy)")
        hash.add(job.concurrencyKey)
        hash.add("\(job.priority)")
        hash.add(submission.uniqueKey)
        for parent in submission.after { hash.add("\(parent.parent) \(parent.on.rawValue)") }
        return hash.bytes
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

        mutating func add(_ text: String?) {
            add(text == nil ? 0 : 1)
            if let text { add(bytes: Array(text.utf8)) }
        }

        var bytes: [UInt8] { UUIDv7(high: first, low: second).bytes }
    }
}
