import SpindleCore
import Testing

@Suite struct RetryPolicies {
    private func waits(_ strategy: RetryPolicy.Strategy, _ count: Int32, base: Int64 = 1_000_000) -> [Int64] {
        let policy = RetryPolicy(strategy: strategy, baseDelay: base)
        return (1...count).map { policy.delay(afterFailures: $0) / 1_000_000 }
    }

    @Test func waitsAreExact() {
        #expect(waits(.exponential, 6) == [1, 2, 4, 8, 16, 32])
        #expect(waits(.linear, 6) == [1, 2, 3, 4, 5, 6])
        #expect(waits(.fixed, 6) == [1, 1, 1, 1, 1, 1])
        #expect(waits(.none, 3) == [0, 0, 0])
    }

    @Test(arguments: RetryPolicy.Strategy.allCases) func neverAboveTheCapAndNeverTraps(_ strategy: RetryPolicy.Strategy) {
        let extremes: [Int64] = [0, 1, 1_000_000, 3_600_000_000, .max]
        for base in extremes {
            for cap in extremes {
                for jitter: Int32 in [0, 100, 1000] {
                    let policy = RetryPolicy(strategy: strategy, baseDelay: base, maxDelay: cap, jitterPermille: jitter)
                    for failures: Int32 in [.min, -1, 0, 1, 2, 39, 40, 41, 42, 63, 64, 1000, .max] {
                        let plain = policy.delay(afterFailures: failures)
                        #expect((0...cap).contains(plain))
                        #expect(policy.delay(afterFailures: failures, random: .max) >= plain)
                    }
                }
            }
        }
    }

    @Test func jitterOnlyLengthensAndReachesBothEnds() {
        let policy = RetryPolicy(baseDelay: 1000, jitterPermille: 100)
        let random = SeededRandomSource(seed: 1)
        let waits = Set((0..<5000).map { _ in policy.delay(afterFailures: 1, random: random.next()) })
        #expect(waits == Set(1000...1100))
    }

    @Test func budget() {
        let policy = RetryPolicy(maxRetries: 3)
        #expect((1...6).map { policy.allowsRetry(afterFailures: $0) } == [true, true, true, false, false, false])
        #expect(!RetryPolicy(strategy: .none, maxRetries: 3).allowsRetry(afterFailures: 1))
    }

    @Test func layersOverrideEachOther() {
        var sidecar = PolicyOverrides(maxRetries: 5, timeout: 7)
        sidecar.onInterrupted = .fail
        let policy = PolicyOverrides(maxRetries: 1).applied(to: sidecar.applied(to: JobPolicy()))
        #expect(policy.retry.maxRetries == 1 && policy.timeout == 7 && policy.onInterrupted == .fail)
        #expect(PolicyOverrides().applied(to: policy) == policy)
    }
}
