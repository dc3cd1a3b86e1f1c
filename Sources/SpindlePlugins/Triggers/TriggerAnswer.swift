import SpindleCore

/// What a trigger is told of a submission.
struct TriggerAnswer: Sendable {
    /// `spindle_status` of the ABI.
    private enum Status {
        static let ok: Int64 = 0
        static let invalid: Int64 = -2
        static let busy: Int64 = -7
        static let denied: Int64 = -9
    }

    let status: Int64
    var execution: ExecutionID?
    var existed = false
    var error: SpindleError?

    init(_ receipt: SubmissionReceipt) {
        status = Status.ok
        execution = receipt.id
        existed = !receipt.created
    }

    /// Only what can never be right is refused for good: the source may throw it away then.
    init(_ error: SpindleError) {
        self.error = error
        switch error.code {
        case .invalidRequest, .idempotencyMismatch, .notFound: status = Status.invalid
        case .denied: status = Status.denied
        // An executor may come back, a store may be mended.
        default: status = Status.busy
        }
    }

    var isTaken: Bool { status == Status.ok }
    var isFinal: Bool { status != Status.busy }
}
