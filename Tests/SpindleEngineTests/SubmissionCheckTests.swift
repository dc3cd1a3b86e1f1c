import SpindleCore
import Testing

@testable import SpindleEngine

@Suite struct SubmissionChecks {
    private func isAccepted(_ change: (inout Submission) -> Void) -> Bool {
        var submission = Submission(.of())
        change(&submission)
        do {
            try SubmissionCheck.check(submission, now: Timestamp(microseconds: 1_000_000))
            return true
        } catch {
            #expect(error.code == .invalidRequest)
            return false
        }
    }

    @Test func everyBoundIsExact() {
        #expect(isAccepted { $0.job.target = String(repeating: "x", count: Limits.target) })
        #expect(!isAccepted { $0.job.target = String(repeating: "x", count: Limits.target + 1) })
        #expect(isAccepted { $0.uniqueKey = String(repeating: "x", count: Limits.key) })
        #expect(!isAccepted { $0.uniqueKey = String(repeating: "x", count: Limits.key + 1) })
        #expect(!isAccepted { $0.idempotencyKey = "a\nb" })
        #expect(!isAccepted { $0.principal = String(repeating: "p", count: 256) })
        #expect(isAccepted { $0.job.payload = Payload([UInt8](repeating: 0, count: Limits.payload)) })
        #expect(!isAccepted { $0.job.payload = Payload([UInt8](repeating: 0, count: Limits.payload + 1)) })
        #expect(!isAccepted { $0.job.target = "a\0b" })
        #expect(!isAccepted { $0.job.executorType = "" })
        #expect(!isAccepted { $0.job.executorType = String(repeating: "t", count: 129) })
        #expect(
            !isAccepted {
                $0.job.executorType = nil
                $0.job.target = ""
            }
        )
        #expect(isAccepted { $0.job.priority = -100 })
        #expect(!isAccepted { $0.job.priority = .min })
        #expect(!isAccepted { $0.job.concurrencyKey = String(repeating: "k", count: 256) })
        let parent = Dependency(ExecutionID(UUIDv7(high: 1, low: 1)))
        #expect(isAccepted { $0.after = Array(repeating: parent, count: 100) })
        #expect(!isAccepted { $0.after = Array(repeating: parent, count: 101) })
    }

    @Test func timesFitTogether() {
        let soon = Timestamp(microseconds: 1_000_001)
        let later = Timestamp(microseconds: 3_000_000)
        #expect(isAccepted { $0.startBy = soon })
        #expect(!isAccepted { $0.startBy = Timestamp(microseconds: 1_000_000) })
        #expect(isAccepted { ($0.startBy, $0.runAt) = (later, later) })
        #expect(!isAccepted { ($0.startBy, $0.runAt) = (soon, later) })
        #expect(isAccepted { ($0.startBy, $0.delay) = (later, 2_000_000) })
        #expect(!isAccepted { ($0.startBy, $0.delay) = (later, 2_000_001) })
        #expect(!isAccepted { ($0.runAt, $0.delay) = (later, 1) })
        #expect(!isAccepted { $0.delay = -1 })
        #expect(!isAccepted { $0.delay = .max })
        // Repeated under its key, it may be late: it asks for what is there.
        #expect(isAccepted { ($0.startBy, $0.idempotencyKey) = (Timestamp(microseconds: 1), "k") })
        #expect(isAccepted { ($0.startBy, $0.id) = (Timestamp(microseconds: 1), ExecutionID(UUIDv7(high: 1, low: 1))) })
    }

    @Test func keysAreNotEmpty() {
        #expect(!isAccepted { $0.uniqueKey = "" })
        #expect(!isAccepted { $0.idempotencyKey = "" })
        #expect(!isAccepted { $0.job.concurrencyKey = "" })
        #expect(isAccepted { $0.principal = "" })
    }

    @Test func policyBounds() {
        #expect(isAccepted { $0.job.policy.maxRetries = 1000 })
        #expect(!isAccepted { $0.job.policy.maxRetries = 1001 })
        #expect(!isAccepted { $0.job.policy.maxRetries = -1 })
        #expect(isAccepted { $0.job.policy.timeout = 1000 })
        #expect(!isAccepted { $0.job.policy.timeout = 999 })
        #expect(!isAccepted { $0.job.policy.timeout = .max })
        #expect(!isAccepted { $0.job.policy.baseDelay = 0 })
        #expect(!isAccepted { $0.job.policy.maxDelay = 3_600_000_001 })
        #expect(!isAccepted { $0.job.policy.jitterPermille = 1001 })
        #expect(!isAccepted { $0.job.policy.concurrencyKeyLimit = 0 })
        #expect(!isAccepted { $0.job.policy.concurrencyKeyLimit = 10_001 })
    }

    @Test func parametersAndNames() {
        #expect(isAccepted { $0.job.parameters = ["_a.b-c": "x"] })
        for name in ["", "1a", "a b", "ä", String(repeating: "n", count: 129)] {
            #expect(!isAccepted { $0.job.parameters = Parameters([name: "x"]) })
        }
        #expect(!isAccepted { $0.job.parameters = ["a": "x\0"] })
        #expect(
            !isAccepted { $0.job.parameters = Parameters(trusted: [.init(name: "a", value: ""), .init(name: "a", value: "")]) }
        )
        #expect(isAccepted { $0.job.parameters = ["a": String(repeating: "x", count: Limits.parameters - 1)] })
        #expect(!isAccepted { $0.job.parameters = ["a": String(repeating: "x", count: Limits.parameters)] })
        let many = Dictionary(uniqueKeysWithValues: (0...Limits.parameterCount).map { ("n\($0)", "") })
        #expect(!isAccepted { $0.job.parameters = Parameters(many) })
        for name in ["", ".x", "a/b", String(repeating: "n", count: 129)] { #expect(!isAccepted { $0.job.name = name }) }
        #expect(isAccepted { $0.job.name = "0.nightly-report_1" })
    }
}
