import SpindleCore
import Testing

extension StoreConformance {
    private typealias H = StoreHarness

    static let claimCases = [
        StoreConformance("claims come by rank: priority first, but waiting makes up for it") { h async throws in
            let lease = try await h.open()
            _ = try await h.submit(H.new(1, at: 40))
            _ = try await h.submit(H.new(2, priority: 1, at: 40))
            _ = try await h.submit(H.new(3, priority: -1, at: 40))
            _ = try await h.submit(H.new(4, at: 5))  // has waited 35 s: more than one step of priority
            _ = try await h.submit(H.new(5, at: 40))
            #expect(try await h.claim(lease, at: 41) == "claimed 4/1 2/1 1/1 5/1 3/1")
            #expect(try await h.claim(lease, at: 42) == "claimed ")
        },
        StoreConformance("a claim takes at most its limit, and only its type") { h async throws in
            let lease = try await h.open()
            try await h.submit(1, 2, 3)
            _ = try await h.submit(H.new(4, type: "other"))
            #expect(try await h.claim(lease, 2) == "claimed 1/1 2/1")
            #expect(try await h.claim(lease, 0) == "claimed ")
            #expect(try await h.claim(lease, 2, type: "other") == "claimed 4/1")
            #expect(try await h.claim(lease, 2, type: "none") == "claimed ")
            #expect(try await h.claim(lease, 2) == "claimed 3/1")
            #expect(try await h.state(1) == .running)
        },
        StoreConformance("a claim carries all that the attempt needs") { h async throws in
            let lease = try await h.open()
            let new = H.new(1, name: "job") {
                $0.policy.retry.maxRetries = 2
                $0.job.concurrencyKey = "c"
            }
            _ = try await h.submit(new)
            _ = try await h.claim(lease)
            _ = try await h.text(.checkpoint(AttemptKey(H.id(1), 1), epoch: lease.epoch, [1, 2, 3]))
            _ = try await h.text(
                H.end(1, 1, lease, .retry(at: H.at(11))) {
                    $0.failures = 1
                    $0.crashes = 2
                    $0.losses = 3
                    $0.isSuspect = true
                }
            )
            _ = try await h.text(.promote(now: H.at(11), limit: 10))
            let claim = try #require(try await h.claims(lease, 1, at: 12).first)
            #expect(claim.request.key == AttemptKey(H.id(1), 2))
            #expect(claim.request.jobID == new.job.id)
            #expect(claim.request.jobName == "job")
            #expect(claim.request.target == "target")
            #expect(claim.request.policy == new.policy)
            #expect(claim.request.failures == 1)
            #expect(claim.request.maxFailures == 3)
            #expect(claim.request.isSuspect)
            #expect(claim.request.concurrencyKey == "c")
            #expect(claim.request.checkpoint == [1, 2, 3])
            #expect(claim.crashes == 2)
            #expect(claim.losses == 3)
            #expect(claim.rank == NewExecution.rank(readyAt: H.at(11), priority: 0))
        },
        StoreConformance("a claim without the current lease is stale") { h async throws in
            let first = try await h.open(1)
            try await h.submit(1)
            let second = try await h.open(2)
            #expect(try await h.claim(first) == "stale")
            #expect(try await h.claim(HostLease(host: first.host, epoch: second.epoch)) == "stale")
            #expect(try await h.claim(second) == "claimed 1/1")
        },
        StoreConformance("what is overdue is not claimed") { h async throws in
            let lease = try await h.open()
            _ = try await h.submit(H.new(1) { $0.startBy = H.at(5) })
            _ = try await h.submit(H.new(2) { $0.startBy = H.at(6) })
            #expect(try await h.claim(lease, at: 5) == "claimed 2/1")
            #expect(try await h.text(.promote(now: H.at(5), limit: 9)) == "promoted [] [1] [] -")
        },
    ]

    static let settleCases = [
        StoreConformance("success is final, and leaves its attempt and output") { h async throws in
            let lease = try await h.open()
            try await h.submit(1)
            _ = try await h.claim(lease)
            let command = H.end(1, 1, lease) { $0.result = .success("out") }
            #expect(try await h.text(command) == "settled succeeded [] []")
            let execution = try await h.execution(1)
            #expect(execution.state == .succeeded)
            #expect(execution.startedAt == H.at(9))
            #expect(execution.finishedAt == H.at(10))
            #expect(execution.lastOutcome == .succeeded)
            #expect(try await h.store.output(of: H.id(1))?.text == "out")
            let attempts = try await h.store.attempts(of: H.id(1))
            #expect(attempts.count == 1)
            #expect(attempts.first?.outcome == .succeeded)
            #expect(attempts.first?.startedAt == H.at(9))
            #expect(attempts.first?.finishedAt == H.at(10))
            #expect(attempts.first?.ranOn == "worker 7")
            #expect(try await h.text(command) == "stale")
        },
        StoreConformance("every attempt can be read with its whole error") { h async throws in
            let lease = try await h.open()
            try await h.submit(1)
            let long = String(repeating: "é", count: 300)
            for attempt: Int32 in 1...2 {
                _ = try await h.claim(lease)
                let command = H.end(1, attempt, lease, .retry(at: H.at(10)), outcome: .timedOut) {
                    $0.failures = attempt
                    $0.result = ExecutionResult(
                        class: .timedOut,
                        errorCode: "c\(attempt)",
                        errorMessage: long,
                        stackTrace: "at",
                        details: "{}",
                        metadata: ["n": 1, "list": [true, nil, "x"], "o": ["k": 1.5]]
                    )
                }
                #expect(try await h.text(command) == "settled retrying [] []")
                let execution = try await h.execution(1)
                #expect(execution.error == String(repeating: "é", count: 128))
                #expect(execution.errorCode == "c\(attempt)")
                #expect(execution.runAt == H.at(10))
                #expect(execution.failures == attempt)
                #expect(execution.finishedAt == nil)
                _ = try await h.text(.promote(now: H.at(10), limit: 1))
            }
            _ = try await h.claim(lease)
            let running = try await h.store.attempts(of: H.id(1))
            #expect(running.map(\.number) == [1, 2, 3])
            #expect(running.map(\.outcome) == [.timedOut, .timedOut, nil])
            _ = try await h.text(H.end(1, 3, lease))
            let attempts = try await h.store.attempts(of: H.id(1))
            #expect(attempts.map(\.outcome) == [.timedOut, .timedOut, .succeeded])
            #expect(attempts[0].errorMessage == long)
            #expect(attempts[0].stackTrace == "at")
            #expect(attempts[0].details == "{}")
            #expect(attempts[0].metadata == ["n": 1, "list": [true, nil, "x"], "o": ["k": 1.5]])
            #expect(attempts[2].errorMessage == nil)
            #expect(try await h.execution(1).errorCode == nil)
        },
        StoreConformance("metadata of a success is kept") { h async throws in
            let lease = try await h.open()
            try await h.submit(1)
            _ = try await h.claim(lease)
            _ = try await h.text(H.end(1, 1, lease) { $0.result = .success(nil, metadata: ["rows": 3]) })
            #expect(try await h.store.attempts(of: H.id(1)).map(\.metadata) == [["rows": 3]])
        },
        StoreConformance("a settlement of another attempt, epoch or state is stale") { h async throws in
            let lease = try await h.open()
            try await h.submit(1)
            #expect(try await h.text(H.end(1, 0, lease)) == "stale")
            _ = try await h.claim(lease)
            #expect(try await h.text(H.end(1, 2, lease)) == "stale")
            #expect(try await h.text(H.end(2, 1, lease)) == "stale")
            let other = HostLease(host: lease.host, epoch: lease.epoch + 1)
            #expect(try await h.text(H.end(1, 1, other)) == "stale")
            #expect(try await h.state(1) == .running)
            let next = try await h.open(2)
            #expect(try await h.text(H.end(1, 1, lease)) == "stale")
            #expect(try await h.claim(next) == "claimed 1/2")
            #expect(try await h.text(H.end(1, 1, lease)) == "stale")
            #expect(try await h.text(H.end(1, 2, next)) == "settled succeeded [] []")
        },
        StoreConformance("requeue keeps the old place") { h async throws in
            let lease = try await h.open()
            try await h.submit(1, 2)
            _ = try await h.claim(lease, 1)
            let command = H.end(1, 1, lease, .requeue, outcome: .interrupted) { $0.startedAt = nil }
            #expect(try await h.text(command) == "settled queued [t] []")
            #expect(try await h.claim(lease) == "claimed 1/2 2/1")
        },
        StoreConformance("after a cancel request nothing runs again") { h async throws in
            let lease = try await h.open()
            try await h.submit(1, 2, 3, 4)
            _ = try await h.claim(lease)
            for number in 1...4 {
                #expect(try await h.text(.requestCancel(H.id(number), at: H.at(5))) == "cancelRequested")
            }
            #expect(try await h.text(H.end(1, 1, lease, .retry(at: H.at(60)))) == "settled cancelled [] []")
            #expect(try await h.text(H.end(2, 1, lease, .requeue)) == "settled cancelled [] []")
            #expect(try await h.text(H.end(3, 1, lease)) == "settled succeeded [] []")
            #expect(try await h.text(H.end(4, 1, lease, .final(.failed))) == "settled failed [] []")
            let cancelled = try await h.execution(1)
            #expect(cancelled.runAt == nil)
            #expect(cancelled.finishedAt == H.at(10))
            #expect(cancelled.cancelRequestedAt == H.at(5))
        },
        StoreConformance("no attempt ends in a state that is not an end of attempts") { h async throws in
            let lease = try await h.open()
            try await h.submit(1)
            _ = try await h.claim(lease)
            for state in ExecutionState.allCases where !ExecutionState.running.canBecome(state) || !state.isFinal {
                #expect(try await h.text(H.end(1, 1, lease, .final(state))) == "conflict running")
            }
            #expect(try await h.state(1) == .running)
        },
        StoreConformance("a checkpoint reaches the next attempt, is overwritten, and goes with success") { h async throws in
            let lease = try await h.open()
            try await h.submit(1)
            #expect(try await h.text(.checkpoint(AttemptKey(H.id(1), 1), epoch: lease.epoch, [1])) == "stale")
            for attempt: Int32 in 1...3 {
                let claims = try await h.claims(lease, 1, at: 1)
                #expect(claims.first?.request.checkpoint == (attempt == 1 ? nil : [UInt8(attempt - 1), 9]))
                let key = AttemptKey(H.id(1), attempt)
                #expect(try await h.text(.checkpoint(key, epoch: lease.epoch + 1, [7])) == "stale")
                #expect(try await h.text(.checkpoint(key, epoch: lease.epoch, [0])) == "applied")
                #expect(try await h.text(.checkpoint(key, epoch: lease.epoch, [UInt8(attempt), 9])) == "applied")
                _ = try await h.text(H.end(1, attempt, lease, attempt == 3 ? .final(.succeeded) : .requeue))
            }
            #expect(try await h.text(.checkpoint(AttemptKey(H.id(1), 3), epoch: lease.epoch, [1])) == "stale")
        },
    ]
}
