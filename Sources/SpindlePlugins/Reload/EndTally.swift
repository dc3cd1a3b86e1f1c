import SpindleCore

/// How the last attempts of an executor ended. Pure.
struct EndTally: Sendable {
    /// As many are remembered.
    static let reach = 100

    private var failed: [Bool] = []
    private var next = 0
    /// Attempts that ended by themselves, failed or not, since the beginning.
    private(set) var ends = 0
    /// How many of them failed.
    private(set) var failures = 0

    /// Counts an end; one that the host or a user brought about says nothing about the code.
    mutating func count(_ result: ExecutionResult) {
        switch result.class {
        case .cancelled, .interrupted, .deferred: return
        case .success: add(false)
        default: add(true)
        }
    }

    private mutating func add(_ isFailure: Bool) {
        ends += 1
        if isFailure { failures += 1 }
        if failed.count < Self.reach {
            failed.append(isFailure)
        } else {
            failed[next] = isFailure
            next = (next + 1) % Self.reach
        }
    }

    /// The share of failures among the last ends; 0 before the first.
    var recentShare: Double {
        failed.isEmpty ? 0 : Double(failed.count(where: { $0 })) / Double(failed.count)
    }
}
