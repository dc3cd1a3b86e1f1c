import SpindleCore

/// What follows the end of an attempt: the one place where outcomes, retries and counts are decided. Pure.
struct SettleDecision {
    var outcome: AttemptOutcome
    var next: Settlement.Next
    var failures: Int32
    var crashes: Int32
    var isSuspect = false

    /// Decides.
    ///
    /// - Parameters:
    ///   - record: The attempt.
    ///   - result: What its executor said, or the host in its place.
    ///   - now: Wall time, from which waits count.
    ///   - random: Gives a uniform word for the jitter; asked only if there is a wait.
    ///   - maxCrashes: Crashes after which the execution fails.
    init(_ record: AttemptRecord, _ result: ExecutionResult, now: Timestamp, random: () -> UInt64, maxCrashes: Int32) {
        let request = record.request
        let retry = request.policy.retry
        failures = request.failures
        crashes = record.crashes
        if result.class == .success {
            outcome = .succeeded
            next = .final(.succeeded)
            return
        }
        switch record.cancelReason {
        case .user:
            outcome = .cancelled
            next = .final(.cancelled)
            return
        case .shutdown, .leaseLost:
            if result.class != .permanent && result.class != .rejected && result.class != .timedOut {
                outcome = .interrupted
                next = Self.afterInterruption(request)
                return
            }
        case .timeout, nil:
            break
        }
        switch result.class {
        case .success, .retryable, .cancelled, .timedOut:
            failures += 1
            outcome = result.class == .timedOut ? .timedOut : .failed
            guard retry.strategy != .none, failures < request.maxFailures else {
                next = .final(.failed)
                return
            }
            let asked = result.retryAfter.map { min(max($0, Limits.delay.lowerBound), Limits.delay.upperBound) }
            next = .retry(at: now.advanced(byMicroseconds: asked ?? retry.delay(afterFailures: failures, random: random())))
        case .permanent:
            failures += 1
            outcome = .failed
            next = .final(.failed)
        case .rejected:
            outcome = .rejected
            next = .final(.failed)
        case .crashed:
            crashes += 1
            outcome = .crashed
            isSuspect = true
            guard crashes < maxCrashes, retry.strategy != .none, request.maxFailures > 1 else {
                next = .final(.failed)
                return
            }
            next = .retry(at: now.advanced(byMicroseconds: retry.delay(afterFailures: crashes, random: random())))
        case .interrupted:
            outcome = .interrupted
            isSuspect = true
            next = Self.afterInterruption(request)
        case .deferred:
            // No code has run: it is no doubt about the outcome, whatever `onInterrupted` says, and no suspicion.
            outcome = .interrupted
            isSuspect = request.isSuspect
            next = .requeue
        }
    }

    private static func afterInterruption(_ request: AttemptRequest) -> Settlement.Next {
        request.policy.onInterrupted == .fail ? .final(.failed) : .requeue
    }
}
