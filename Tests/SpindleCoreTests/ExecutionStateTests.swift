import SpindleCore
import Testing

@Suite struct ExecutionStates {
    /// Every legal step. All the others of the hundred are not.
    private static let legal: [ExecutionState: Set<ExecutionState>] = [
        .scheduled: [.queued, .cancelled, .expired],
        .waiting: [.scheduled, .queued, .cancelled, .skipped, .expired],
        .queued: [.running, .cancelled, .expired],
        .running: [.succeeded, .failed, .cancelled, .retrying, .queued],
        .retrying: [.queued, .cancelled],
        .succeeded: [],
        .failed: [.queued],
        .cancelled: [.queued],
        .skipped: [.queued],
        .expired: [.queued],
    ]

    @Test func everyStepIsInTheTable() {
        #expect(ExecutionState.allCases.count == 10)
        for from in ExecutionState.allCases {
            for to in ExecutionState.allCases {
                #expect(from.canBecome(to) == Self.legal[from]?.contains(to), "\(from) to \(to)")
            }
        }
    }

    @Test func finalStatesAndNames() {
        #expect(ExecutionState.allCases.filter(\.isFinal) == [.succeeded, .failed, .cancelled, .skipped, .expired])
        for state in ExecutionState.allCases { #expect(ExecutionState("\(state)") == state) }
        for outcome in AttemptOutcome.allCases { #expect(AttemptOutcome("\(outcome)") == outcome) }
        #expect(ExecutionState("Queued") == nil && AttemptOutcome("") == nil)
    }

    @Test func dependencyConditions() {
        #expect(ExecutionState.allCases.filter(DependencyCondition.succeeded.isMet) == [.succeeded])
        #expect(ExecutionState.allCases.filter(DependencyCondition.failed.isMet) == [.failed, .expired])
        #expect(ExecutionState.allCases.filter(DependencyCondition.any.isMet) == ExecutionState.allCases.filter(\.isFinal))
    }
}
