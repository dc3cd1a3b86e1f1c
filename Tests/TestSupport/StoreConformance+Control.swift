import SpindleCore
import Testing

extension StoreConformance {
    private typealias H = StoreHarness

    /// Brings executions 1 … 10 into the states of ``ExecutionState/allCases``, in this order.
    private static func everyState(_ h: StoreHarness, _ lease: HostLease) async throws {
        _ = try await h.submit(H.new(10) { $0.startBy = H.at(1) })
        _ = try await h.text(.promote(now: H.at(2), limit: 9))
        for number in 4...8 { try await h.submit(number) }
        _ = try await h.claim(lease)
        _ = try await h.text(H.end(5, 1, lease, .retry(at: H.at(1000))))
        _ = try await h.text(H.end(6, 1, lease))
        _ = try await h.text(H.end(7, 1, lease, .final(.failed)))
        _ = try await h.text(.requestCancel(H.id(8), at: H.at(3)))
        _ = try await h.text(H.end(8, 1, lease, .requeue))
        _ = try await h.submit(H.new(9) { $0.after = [Dependency(H.id(7))] })
        _ = try await h.submit(H.new(1) { $0.runAt = H.at(1000) })
        _ = try await h.submit(H.new(2) { $0.after = [Dependency(H.id(4))] })
        try await h.submit(3)
        for state in ExecutionState.allCases {
            #expect(try await h.state(Int(state.rawValue) + 1) == state)
        }
    }

    static let controlCases = [
        StoreConformance("cancel in every state") { h async throws in
            let lease = try await h.open()
            try await everyState(h, lease)
            let texts = [
                "applied", "applied", "applied", "cancelRequested", "applied", "conflict succeeded", "conflict failed",
                "conflict cancelled", "conflict skipped", "conflict expired",
            ]
            for (index, text) in texts.enumerated() {
                #expect(try await h.text(.requestCancel(H.id(index + 1), at: H.at(20))) == text)
            }
            for number in [1, 2, 3, 5] {
                let execution = try await h.execution(number)
                #expect(execution.state == .cancelled)
                #expect(execution.finishedAt == H.at(20))
                #expect(execution.runAt == nil)
                #expect(execution.pendingParents == 0)
            }
            #expect(try await h.text(.requestCancel(H.id(4), at: H.at(21))) == "cancelRequested")
            #expect(try await h.execution(4).cancelRequestedAt == H.at(20))
            #expect(try await h.text(.requestCancel(H.id(99), at: H.at(1))) == "notFound")
            #expect(try await h.text(.promote(now: H.at(5000), limit: 9)) == "promoted [] [] [] -")
            #expect(try await h.claim(lease) == "claimed ")
        },
        StoreConformance("a manual retry in every state") { h async throws in
            let lease = try await h.open()
            try await everyState(h, lease)
            let texts = [
                "conflict scheduled", "conflict waiting", "conflict queued", "conflict running", "ready t",
                "conflict succeeded", "ready t", "ready t", "ready t", "ready t",
            ]
            for (index, text) in texts.enumerated() {
                #expect(try await h.text(.retryNow(H.id(index + 1), extraRetries: 2, at: H.at(20))) == text)
            }
            for number in [5, 7, 8, 9, 10] {
                let execution = try await h.execution(number)
                #expect(execution.state == .queued)
                #expect(execution.extraRetries == 2)
                #expect(execution.finishedAt == nil)
                #expect(execution.cancelRequestedAt == nil)
                #expect(execution.runAt == nil)
            }
            #expect(try await h.text(.promote(now: H.at(30), limit: 9)) == "promoted [] [] [] 1000")
            #expect(try await h.claim(lease, at: 31) == "claimed 3/1 5/2 7/2 8/2 9/1 10/1")
            #expect(try await h.text(.retryNow(H.id(99), extraRetries: 0, at: H.at(1))) == "notFound")
        },
        StoreConformance("extra retries add up and raise the budget") { h async throws in
            let lease = try await h.open()
            try await h.submit(1)
            for attempt: Int32 in 1...3 {
                let claims = try await h.claims(lease, 1, at: 1)
                #expect(claims.first?.request.maxFailures == (attempt == 1 ? 4 : attempt == 2 ? 9 : Int32.max))
                _ = try await h.text(H.end(1, attempt, lease, .final(.failed)))
                _ = try await h.text(.retryNow(H.id(1), extraRetries: attempt == 1 ? 5 : Int32.max, at: H.at(11)))
            }
        },
        StoreConformance("promote moves what is due in the order of time, up to its limit") { h async throws in
            let lease = try await h.open()
            for (number, seconds) in [(1, 30), (2, 10), (3, 20), (4, 100)] {
                _ = try await h.submit(H.new(number, type: number == 3 ? "s" : "t") { $0.runAt = H.at(Int64(seconds)) })
            }
            #expect(try await h.store.nextDue() == H.at(10))
            #expect(try await h.text(.promote(now: H.at(5), limit: 9)) == "promoted [] [] [] 10")
            #expect(try await h.text(.promote(now: H.at(30), limit: 2)) == "promoted [s t] [] [] 30 more")
            #expect(try await h.text(.promote(now: H.at(30), limit: 2)) == "promoted [t] [] [] 100")
            #expect(try await h.claim(lease, at: 31) == "claimed 2/1 1/1")
        },
        StoreConformance("what has not started in time expires: scheduled, waiting or queued, but not what began") {
            h async throws in
            let lease = try await h.open()
            try await h.submit(9)
            _ = try await h.claim(lease)
            _ = try await h.submit(H.new(1) { $0.startBy = H.at(50) })
            _ = try await h.submit(
                H.new(2) {
                    $0.runAt = H.at(45)
                    $0.startBy = H.at(40)
                }
            )
            _ = try await h.submit(
                H.new(3) {
                    $0.after = [Dependency(H.id(9))]
                    $0.startBy = H.at(30)
                }
            )
            _ = try await h.submit(H.new(4, type: "s") { $0.startBy = H.at(20) })
            _ = try await h.claim(lease, type: "s")
            _ = try await h.text(H.end(4, 1, lease, .requeue))
            #expect(try await h.store.nextDue() == H.at(30))
            #expect(try await h.text(.promote(now: H.at(29), limit: 9)) == "promoted [] [] [] 30")
            #expect(try await h.text(.promote(now: H.at(50), limit: 2)) == "promoted [] [2 3] [] 50 more")
            #expect(try await h.text(.promote(now: H.at(50), limit: 2)) == "promoted [] [1] [] -")
            #expect(try await h.execution(1).finishedAt == H.at(50))
            #expect(try await h.state(4) == .queued)
            #expect(try await h.text(H.end(9, 1, lease)) == "settled succeeded [] []")
        },
        StoreConformance("stored definitions are added, replaced, listed and removed") { h async throws in
            var job = H.new(1, name: "b").job
            job.payload = Payload([1, 2], contentType: "x/y")
            job.policy.maxRetries = 7
            job.policy.onInterrupted = .fail
            job.concurrencyKey = "c"
            #expect(try await h.text(.upsertJob(job, at: H.at(0))) == "applied")
            #expect(try await h.text(.upsertJob(H.new(2, name: "a").job, at: H.at(0))) == "applied")
            #expect(try await h.store.job(named: "b") == job)
            job.target = "other"
            job.payload = nil
            #expect(try await h.text(.upsertJob(job, at: H.at(1))) == "applied")
            #expect(try await h.store.jobs().map(\.name) == ["a", "b"])
            #expect(try await h.store.job(named: "b") == job)
            #expect(try await h.text(.removeJob(name: "b")) == "applied")
            #expect(try await h.text(.removeJob(name: "b")) == "notFound")
            #expect(try await h.store.job(named: "b") == nil)
            #expect(try await h.text(.upsertJob(H.new(3).job, at: H.at(0))) == "notFound")
        },
    ]

    static let dependencyCases = [
        StoreConformance("a child waits for all its parents") { h async throws in
            let lease = try await h.open()
            try await h.submit(1, 2)
            let child = H.new(3, priority: 2) {
                $0.after = [Dependency(H.id(2)), Dependency(H.id(1)), Dependency(H.id(1), on: .any)]
            }
            #expect(try await h.submit(child) == "submitted 3 waiting")
            #expect(try await h.execution(3).pendingParents == 2)
            #expect(try await h.store.dependencies(of: H.id(3)) == [Dependency(H.id(1)), Dependency(H.id(2))])
            _ = try await h.claim(lease)
            #expect(try await h.text(H.end(1, 1, lease)) == "settled succeeded [] []")
            #expect(try await h.execution(3).pendingParents == 1)
            #expect(try await h.text(H.end(2, 1, lease, at: 20)) == "settled succeeded [t] []")
            #expect(try await h.store.readyTypes().map(\.rank) == [NewExecution.rank(readyAt: H.at(20), priority: 2)])
        },
        StoreConformance("parents that have ended count at once") { h async throws in
            let lease = try await h.open()
            try await h.submit(1, 2)
            _ = try await h.claim(lease)
            _ = try await h.text(H.end(1, 1, lease))
            _ = try await h.text(H.end(2, 1, lease, .final(.failed)))
            #expect(try await h.submit(H.new(3) { $0.after = [Dependency(H.id(1))] }) == "submitted 3 queued")
            #expect(try await h.submit(H.new(4) { $0.after = [Dependency(H.id(2))] }) == "submitted 4 skipped")
            #expect(try await h.submit(H.new(5) { $0.after = [Dependency(H.id(2), on: .failed)] }) == "submitted 5 queued")
            #expect(try await h.submit(H.new(6) { $0.after = [Dependency(H.id(4), on: .any)] }) == "submitted 6 queued")
            #expect(try await h.execution(4).finishedAt == H.at(0))
            #expect(try await h.submit(H.new(7) { $0.after = [Dependency(H.id(7))] }) == "unknownParent 7")
        },
        StoreConformance("a false condition skips a child, and its children in turn") { h async throws in
            let lease = try await h.open()
            try await h.submit(1)
            _ = try await h.submit(H.new(2) { $0.after = [Dependency(H.id(1))] })
            _ = try await h.submit(H.new(3) { $0.after = [Dependency(H.id(2))] })
            _ = try await h.submit(H.new(4, type: "any") { $0.after = [Dependency(H.id(3), on: .any)] })
            _ = try await h.submit(H.new(5, type: "bad") { $0.after = [Dependency(H.id(1), on: .failed)] })
            _ = try await h.submit(H.new(6) { $0.after = [Dependency(H.id(1), on: .any), Dependency(H.id(2), on: .failed)] })
            _ = try await h.claim(lease)
            #expect(try await h.text(H.end(1, 1, lease, .final(.failed))) == "settled failed [any bad] [2 3 6]")
            #expect(try await h.execution(3).finishedAt == H.at(10))
            #expect(try await h.store.stateCounts() == [.failed: 1, .skipped: 3, .queued: 2])
        },
        StoreConformance("a deep chain is skipped to its end") { h async throws in
            let lease = try await h.open()
            try await h.submit(1)
            _ = try await h.store.apply((2...500).map { n in .submit(H.new(n) { $0.after = [Dependency(H.id(n - 1))] }) })
            _ = try await h.claim(lease)
            _ = try await h.text(H.end(1, 1, lease, .final(.failed)))
            #expect(try await h.store.stateCounts() == [.failed: 1, .skipped: 499])
        },
        StoreConformance("a retry does not release children") { h async throws in
            let lease = try await h.open()
            try await h.submit(1)
            _ = try await h.submit(H.new(2) { $0.after = [Dependency(H.id(1), on: .any)] })
            _ = try await h.claim(lease)
            #expect(try await h.text(H.end(1, 1, lease, .retry(at: H.at(20)))) == "settled retrying [] []")
            #expect(try await h.state(2) == .waiting)
        },
        StoreConformance("a child with a later time becomes scheduled") { h async throws in
            let lease = try await h.open()
            try await h.submit(1)
            _ = try await h.submit(
                H.new(2) {
                    $0.after = [Dependency(H.id(1))]
                    $0.runAt = H.at(70)
                }
            )
            _ = try await h.claim(lease)
            #expect(try await h.text(H.end(1, 1, lease)) == "settled succeeded [] []")
            #expect(try await h.state(2) == .scheduled)
            #expect(try await h.text(.promote(now: H.at(70), limit: 1)) == "promoted [t] [] [] - more")
        },
        StoreConformance("cancelling and expiring parents tell their children") { h async throws in
            try await h.submit(1)
            _ = try await h.submit(H.new(2) { $0.startBy = H.at(5) })
            for parent in [1, 2] {
                _ = try await h.submit(H.new(parent + 2) { $0.after = [Dependency(H.id(parent))] })
                _ = try await h.submit(H.new(parent + 4, type: "any") { $0.after = [Dependency(H.id(parent), on: .any)] })
                _ = try await h.submit(H.new(parent + 6, type: "bad") { $0.after = [Dependency(H.id(parent), on: .failed)] })
            }
            #expect(try await h.text(.requestCancel(H.id(1), at: H.at(1))) == "settled cancelled [any] [3 7]")
            #expect(try await h.text(.promote(now: H.at(9), limit: 9)) == "promoted [any bad] [2] [4] -")
        },
        StoreConformance("a parent that ends twice releases a child once") { h async throws in
            let lease = try await h.open()
            try await h.submit(1, 2)
            _ = try await h.submit(H.new(3) { $0.after = [Dependency(H.id(1), on: .any), Dependency(H.id(2))] })
            _ = try await h.claim(lease)
            _ = try await h.text(H.end(1, 1, lease, .final(.failed)))
            _ = try await h.text(.retryNow(H.id(1), extraRetries: 0, at: H.at(11)))
            _ = try await h.claim(lease)
            _ = try await h.text(H.end(1, 2, lease))
            #expect(try await h.execution(3).pendingParents == 1)
            #expect(try await h.state(3) == .waiting)
        },
    ]
}
