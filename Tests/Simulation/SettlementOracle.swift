import SpindleCore
import SpindleEngine

/// A second opinion on how attempts end, written from the documentation and not from the code.
extension Simulation {
    func checkSettlement(_ settlement: Settlement) {
        let row = store.rows[SimStore.row(settlement.key.execution)]
        // Written again after a lost answer: the row may have moved on.
        guard row.state == .running, row.attempt == settlement.key.attempt else { return }
        guard row.code >= 0, codes[row.code].key == settlement.key else { return checkUnstarted(settlement) }
        let code = codes[row.code]
        guard let (expected, at) = trueEnd(code) else { return }
        let finished = settlement.finishedAt.microseconds - SimStore.epochOfTime
        let name = "row \(code.row), attempt \(code.key.attempt)"
        if finished != at { return broken("outcomeFixedAtDeadline", "\(name) ended at \(finished), in truth at \(at)") }
        if settlement.result.class != expected {
            return broken("outcomeFixedAtDeadline", "\(name) was \(settlement.result.class), in truth \(expected)")
        }
        checkDecision(settlement, row, expected, code, name)
    }

    private func checkUnstarted(_ settlement: Settlement) {
        guard settlement.startedAt == nil, settlement.outcome == .cancelled || settlement.outcome == .interrupted else {
            return broken("everyAttemptEnds", "\(settlement.key) never began and is \(settlement.outcome)")
        }
    }

    /// What ended an attempt first; nil if two things came at the same time.
    private func trueEnd(_ code: SimCode) -> (ExecutionResult.Class, at: Int64)? {
        let byHost: ExecutionResult.Class =
            switch code.cancelReason {
            case .user: .cancelled
            case .shutdown, .leaseLost: .interrupted
            case .timeout, nil: .timedOut
            }
        var ends: [(ExecutionResult.Class, at: Int64)] = [(byHost, code.deadline)]
        if code.cancelledAt < code.deadline { ends.append((byHost, code.cancelledAt + world.settings.cancelGrace)) }
        if let at = code.arrived { ends.append(((code.sent ?? code.result).class, at)) }
        if let at = code.gone { ends.append((.rejected, at)) }
        if let at = code.abandonedAt { ends.append((byHost, at)) }
        ends.sort { $0.at < $1.at }
        if ends.count > 1 && ends[0].at == ends[1].at { return nil }
        return ends.first
    }

    private func checkDecision(
        _ settlement: Settlement,
        _ row: SimStore.Row,
        _ class: ExecutionResult.Class,
        _ code: SimCode,
        _ name: String
    ) {
        // A cancel that came after the end changes nothing.
        let reason = code.cancelledAt <= settlement.finishedAt.microseconds - SimStore.epochOfTime ? code.cancelReason : nil
        var failures = row.failures
        var crashes = row.crashes
        var outcome = AttemptOutcome.failed
        var next: Settlement.Next? = .final(.failed)
        let afterInterruption: Settlement.Next = row.policy.onInterrupted == .fail ? .final(.failed) : .requeue
        switch `class` {
        case .success:
            outcome = .succeeded
            next = .final(.succeeded)
        case _ where reason == .user:
            outcome = .cancelled
            next = .final(.cancelled)
        case .permanent: failures += 1
        case .rejected: outcome = .rejected
        case .interrupted:
            outcome = .interrupted
            next = afterInterruption
        case .deferred:
            outcome = .interrupted
            next = .requeue
        case _ where reason == .shutdown:
            outcome = .interrupted
            next = afterInterruption
        case .crashed:
            crashes += 1
            outcome = .crashed
            if crashes < 3 && row.maxFailures > 1 && row.policy.retry.strategy != .none { next = nil }
        case .retryable, .cancelled, .timedOut:
            failures += 1
            if `class` == .timedOut { outcome = .timedOut }
            if row.policy.retry.strategy != .none && failures <= row.policy.retry.maxRetries + row.extraRetries { next = nil }
        }
        if settlement.outcome != outcome { broken("retriesExact", "\(name) is \(settlement.outcome), expected \(outcome)") }
        if settlement.failures != failures || settlement.crashes != crashes {
            broken("retriesExact", "\(name) counts \(settlement.failures)/\(settlement.crashes), expected \(failures)/\(crashes)")
        }
        if let next, settlement.next != next { broken("retriesExact", "\(name): \(settlement.next), expected \(next)") }
        if next == nil { checkWait(settlement, row, failures: outcome == .crashed ? crashes : failures, name) }
    }

    private func checkWait(_ settlement: Settlement, _ row: SimStore.Row, failures: Int32, _ name: String) {
        guard case .retry(let at) = settlement.next else {
            return broken("retriesExact", "\(name) has tries left, and is \(settlement.next)")
        }
        let wait = at.microseconds - settlement.finishedAt.microseconds
        if let asked = settlement.result.retryAfter {
            if wait != asked { broken("retriesExact", "\(name) waits \(wait), asked for \(asked)") }
            return
        }
        let retry = row.policy.retry
        var plain = retry.baseDelay
        for number in 1..<max(failures, 1) {
            switch retry.strategy {
            case .exponential: plain *= 2
            case .linear: plain = retry.baseDelay * Int64(number + 1)
            case .fixed, .none: break
            }
        }
        plain = min(plain, retry.maxDelay)
        if wait < plain || wait > plain + plain / 10 {
            broken("retriesExact", "\(name) waits \(wait), expected \(plain) to \(plain + plain / 10)")
        }
    }
}
