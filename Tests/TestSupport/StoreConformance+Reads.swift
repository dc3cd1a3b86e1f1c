import SpindleCore
import Testing

extension StoreConformance {
    private typealias H = StoreHarness

    static let pruneCases = [
        StoreConformance("retention removes what ended long ago, failures later") { h async throws in
            let lease = try await h.open()
            try await h.submit(1, 2, 3, 4)
            _ = try await h.claim(lease)
            _ = try await h.text(H.end(1, 1, lease, at: 10) { $0.result = .success("x") })
            _ = try await h.text(H.end(2, 1, lease, .final(.failed), at: 10))
            _ = try await h.text(H.end(3, 1, lease, at: 20))
            let retention = Retention(finished: 100_000_000, failed: 200_000_000)
            #expect(try await h.text(.prune(retention, now: H.at(110), limit: 10)) == "pruned []")
            #expect(try await h.text(.prune(retention, now: H.at(111), limit: 10)) == "pruned [1]")
            #expect(try await h.text(.prune(retention, now: H.at(210), limit: 10)) == "pruned [3]")
            #expect(try await h.text(.prune(retention, now: H.at(211), limit: 10)) == "pruned [2]")
            #expect(try await h.store.execution(H.id(1)) == nil)
            #expect(try await h.store.output(of: H.id(1)) == nil)
            #expect(try await h.store.attempts(of: H.id(2)).isEmpty)
            #expect(try await h.store.stateCounts() == [.running: 1])
            #expect(try await h.submit(H.new(1)) == "submitted 1 queued")
        },
        StoreConformance("a prune takes at most its limit, the oldest first") { h async throws in
            let lease = try await h.open()
            try await h.submit(1, 2, 3)
            _ = try await h.claim(lease)
            for (number, seconds) in [(1, 30), (2, 10), (3, 20)] {
                _ = try await h.text(H.end(number, 1, lease, at: Int64(seconds)))
            }
            let retention = Retention(finished: 1, failed: 1)
            #expect(try await h.text(.prune(retention, now: H.at(99), limit: 2)) == "pruned [2 3]")
            #expect(try await h.text(.prune(retention, now: H.at(99), limit: 2)) == "pruned [1]")
        },
        StoreConformance("successes beyond their number go, whatever their age") { h async throws in
            let lease = try await h.open()
            try await h.submit(1, 2, 3, 4)
            _ = try await h.claim(lease)
            for number in 1...4 { _ = try await h.text(H.end(number, 1, lease, at: Int64(number) + 10)) }
            let retention = Retention(maxSucceeded: 1)
            #expect(try await h.text(.prune(retention, now: H.at(20), limit: 2)) == "pruned [1 2]")
            #expect(try await h.text(.prune(retention, now: H.at(20), limit: 2)) == "pruned [3]")
            #expect(try await h.text(.prune(retention, now: H.at(20), limit: 2)) == "pruned []")
        },
        StoreConformance("a parent stays while a child of it lives") { h async throws in
            let lease = try await h.open()
            try await h.submit(1, 2)
            _ = try await h.submit(H.new(3) { $0.after = [Dependency(H.id(1)), Dependency(H.id(2))] })
            _ = try await h.claim(lease)
            _ = try await h.text(H.end(1, 1, lease))
            _ = try await h.text(H.end(2, 1, lease))
            let retention = Retention(finished: 1, failed: 1, maxSucceeded: 0)
            #expect(try await h.text(.prune(retention, now: H.at(99), limit: 9)) == "pruned []")
            _ = try await h.claim(lease)
            _ = try await h.text(H.end(3, 1, lease))
            #expect(try await h.text(.prune(retention, now: H.at(99), limit: 1)) == "pruned [1]")
            #expect(try await h.store.dependencies(of: H.id(3)) == [Dependency(H.id(2))])
            #expect(try await h.text(.prune(retention, now: H.at(99), limit: 9)) == "pruned [2 3]")
        },
        StoreConformance("an old idempotency key goes, and outlives its execution until then") { h async throws in
            let lease = try await h.open()
            let claim = IdempotencyClaim(principal: "", key: "k", bodyHash: [1], expiresAt: H.at(100))
            _ = try await h.submit(H.new(1) { $0.idempotency = claim })
            _ = try await h.claim(lease)
            _ = try await h.text(H.end(1, 1, lease))
            #expect(try await h.text(.prune(Retention(finished: 1), now: H.at(50), limit: 9)) == "pruned [1]")
            #expect(try await h.submit(H.new(2) { $0.idempotency = claim }) == "existing 1")
            _ = try await h.text(.prune(Retention(), now: H.at(100), limit: 9))
            #expect(try await h.submit(H.new(3) { $0.idempotency = claim }) == "submitted 3 queued")
        },
    ]

    static let readCases = [
        StoreConformance("nothing is found in an empty store") { h async throws in
            #expect(try await h.store.execution(H.id(1)) == nil)
            #expect(try await h.store.executions(ExecutionFilter(), limit: 10, before: nil).isEmpty)
            #expect(try await h.store.attempts(of: H.id(1)).isEmpty)
            #expect(try await h.store.payload(of: H.id(1)) == nil)
            #expect(try await h.store.output(of: H.id(1)) == nil)
            #expect(try await h.store.dependencies(of: H.id(1)).isEmpty)
            #expect(try await h.store.stateCounts().isEmpty)
            #expect(try await h.store.readyTypes().isEmpty)
            #expect(try await h.store.nextDue() == nil)
            #expect(try await h.store.executions(matching: "1").isEmpty)
        },
        StoreConformance("short ids: any prefix or suffix, at most ten") { h async throws in
            try await h.submit(1, 2, 0x1_0002)
            _ = try await h.submit(H.new(0xABC) { $0.runAt = H.at(60) })
            _ = try await h.submit(H.new(0xDEF) { $0.after = [Dependency(H.id(1))] })
            #expect(try await h.store.executions(matching: H.id(2).short) == [H.id(2)])
            #expect(try await h.store.executions(matching: "0002") == [H.id(0x1_0002), H.id(2)])
            #expect(try await h.store.executions(matching: "aBc") == [H.id(0xABC)])
            #expect(try await h.store.executions(matching: "def") == [H.id(0xDEF)])
            #expect(try await h.store.executions(matching: H.id(1).description) == [H.id(1)])
            #expect(try await h.store.executions(matching: String(H.id(2).description.prefix(13))) == [H.id(2)])
            #expect(try await h.store.executions(matching: "").isEmpty)
            #expect(try await h.store.executions(matching: "%").isEmpty)
            #expect(try await h.store.executions(matching: String(repeating: "0", count: 40)).isEmpty)
            _ = try await h.store.apply((100..<120).map { .submit(H.new($0)) })
            #expect(try await h.store.executions(matching: String(H.id(1).description.prefix(4))).count == 10)
        },
        StoreConformance("filters and the cursor") { h async throws in
            let lease = try await h.open()
            _ = try await h.store.apply(
                (1...12).map { n in
                    .submit(H.new(n, type: n % 2 == 0 ? "even" : "odd", name: n % 3 == 0 ? "three" : nil, at: Int64(n)))
                }
            )
            _ = try await h.claim(lease, 2, type: "even")
            func numbers(_ limit: Int = 100, before: Int? = nil, _ change: (inout ExecutionFilter) -> Void = { _ in }) async throws
                -> [Int]
            {
                var filter = ExecutionFilter()
                change(&filter)
                let found = try await h.store.executions(filter, limit: limit, before: before.map { H.id($0) })
                return found.map { StoreText.number($0.id) }
            }
            #expect(try await numbers() == Array((1...12).reversed()))
            #expect(try await numbers(3) == [12, 11, 10])
            #expect(try await numbers(3, before: 10) == [9, 8, 7])
            #expect(try await numbers(3, before: 1) == [])
            #expect(try await numbers { $0.type = "even" } == [12, 10, 8, 6, 4, 2])
            #expect(try await numbers { $0.states = [.running] } == [4, 2])
            #expect(try await numbers { $0.states = [.running, .queued] }.count == 12)
            #expect(try await numbers { $0.jobName = "three" } == [12, 9, 6, 3])
            #expect(
                try await numbers {
                    $0.createdFrom = H.at(3)
                    $0.createdBefore = H.at(6)
                } == [5, 4, 3]
            )
            #expect(
                try await numbers(1, before: 12) {
                    $0.type = "even"
                    $0.jobName = "three"
                    $0.states = [.queued]
                } == [6]
            )
        },
        StoreConformance("counters and ready types follow every step") { h async throws in
            let lease = try await h.open()
            try await h.submit(1, 2, 3)
            _ = try await h.submit(H.new(4, type: "s", priority: 1))
            _ = try await h.submit(H.new(5, type: "r") { $0.runAt = H.at(600) })
            #expect(try await h.store.stateCounts() == [.queued: 4, .scheduled: 1])
            let zero = NewExecution.rank(readyAt: H.at(0), priority: 0)
            #expect(try await h.store.readyTypes().map(\.type) == ["s", "t"])
            #expect(try await h.store.readyTypes().map(\.rank) == [zero - 30_000, zero])
            _ = try await h.claim(lease, 2)
            _ = try await h.claim(lease, 2, type: "s")
            _ = try await h.text(H.end(1, 1, lease))
            _ = try await h.text(H.end(2, 1, lease, .final(.failed)))
            #expect(
                try await h.store.stateCounts() == [.queued: 1, .scheduled: 1, .running: 1, .succeeded: 1, .failed: 1]
            )
            #expect(try await h.store.readyTypes().map(\.type) == ["t"])
        },
    ]
}
