import SpindleCore
import Testing

extension StoreConformance {
    private typealias H = StoreHarness

    static let submitCases = [
        StoreConformance("a new execution is queued and can be read back") { h async throws in
            let new = H.new(1, priority: 3, name: "job") {
                $0.policy.retry.maxRetries = 9
                $0.policy.onInterrupted = .fail
                $0.job.concurrencyKey = "key"
                $0.startBy = H.at(500)
            }
            #expect(try await h.submit(new) == "submitted 1 queued")
            let read = try await h.execution(1)
            #expect(read.jobID == new.job.id)
            #expect(read.jobName == "job")
            #expect(read.executorType == "t")
            #expect(read.target == "target")
            #expect(read.parameters == new.job.parameters)
            #expect(read.priority == 3)
            #expect(read.policy == new.policy)
            #expect(read.concurrencyKey == "key")
            #expect(read.createdAt == H.at(0))
            #expect(read.startBy == H.at(500))
            #expect(read.runAt == nil)
            #expect(read.attempt == 0)
        },
        StoreConformance("a taken id gives the existing execution and changes nothing") { h async throws in
            try await h.submit(1)
            #expect(try await h.submit(H.new(1, type: "other")) == "existing 1")
            #expect(try await h.execution(1).executorType == "t")
            #expect(try await h.store.stateCounts() == [.queued: 1])
        },
        StoreConformance("a later time makes it scheduled, a past one does not") { h async throws in
            #expect(try await h.submit(H.new(1) { $0.runAt = H.at(60) }) == "submitted 1 scheduled")
            #expect(try await h.submit(H.new(2) { $0.runAt = H.at(0) }) == "submitted 2 queued")
            #expect(try await h.execution(1).runAt == H.at(60))
            #expect(try await h.execution(2).runAt == nil)
        },
        StoreConformance("a submission that holds a slot is inserted running, if nothing speaks against it") { h async throws in
            let lease = try await h.open()
            let old = HostLease(host: lease.host, epoch: lease.epoch - 1)
            #expect(try await h.submit(H.new(1) { $0.claim = lease }) == "submitted 1 running")
            var new2 = H.new(2)
            new2.runAt = H.at(9)
            new2.claim = lease
            #expect(try await h.submit(new2) == "submitted 2 scheduled")
            #expect(try await h.submit(H.new(3) { $0.claim = old }) == "submitted 3 queued")
            let new4 = H.new(4) {
                $0.claim = lease
                $0.after = [Dependency(H.id(1))]
            }
            #expect(try await h.submit(new4) == "submitted 4 waiting")
            #expect(try await h.execution(1).attempt == 1)
            #expect(try await h.text(H.end(1, 1, lease)) == "settled succeeded [t] []")
        },
        StoreConformance("large parameters and payloads come back whole") { h async throws in
            let lease = try await h.open()
            let bytes = (0..<Limits.payload).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let value = String(repeating: "ä€", count: 20_000)
            let new = H.new(1) {
                $0.job.parameters = ["long": value, "empty": ""]
                $0.job.payload = Payload(bytes, contentType: "application/x-test")
                $0.traceParent = "00-1"
                $0.traceState = "a=b"
            }
            _ = try await h.submit(new)
            _ = try await h.submit(H.new(2) { $0.job.payload = Payload([], contentType: nil) })
            #expect(try await h.execution(1).parameters == new.job.parameters)
            #expect(try await h.store.payload(of: H.id(1)) == new.job.payload)
            #expect(try await h.store.payload(of: H.id(2))?.bytes == [])
            let claims = try await h.claims(lease, 5, at: 1)
            #expect(claims.first?.request.payload == new.job.payload)
            #expect(claims.first?.request.parameters == new.job.parameters)
            #expect(claims.first?.request.traceParent == "00-1")
            #expect(claims.first?.request.traceState == "a=b")
            #expect(claims.last?.request.payload?.bytes == [])
        },
        StoreConformance("one refused command leaves the others of its batch alone") { h async throws in
            let outcomes = try await h.store.apply([
                .submit(H.new(1)), .submit(H.new(1)), .submit(H.new(2) { $0.after = [Dependency(H.id(99))] }),
                .requestCancel(H.id(98), at: H.at(1)), .submit(H.new(3)),
            ])
            #expect(
                outcomes.map(StoreText.text) == [
                    "submitted 1 queued", "existing 1", "unknownParent 99", "notFound", "submitted 3 queued",
                ]
            )
            #expect(try await h.store.execution(H.id(2)) == nil)
        },
        StoreConformance("an empty batch is fine") { h async throws in
            #expect(try await h.store.apply([]).isEmpty)
        },
    ]

    static let keyCases = [
        StoreConformance("an idempotency key gives the same execution, and refuses another body") { h async throws in
            func claim(_ body: UInt8, _ principal: String = "p") -> IdempotencyClaim {
                IdempotencyClaim(principal: principal, key: "k", bodyHash: [body], expiresAt: H.at(100))
            }
            #expect(try await h.submit(H.new(1) { $0.idempotency = claim(1) }) == "submitted 1 queued")
            #expect(try await h.submit(H.new(2) { $0.idempotency = claim(1) }) == "existing 1")
            #expect(try await h.submit(H.new(3) { $0.idempotency = claim(2) }) == "mismatch 1")
            #expect(try await h.submit(H.new(4) { $0.idempotency = claim(2, "q") }) == "submitted 4 queued")
            #expect(try await h.submit(H.new(5, at: 100) { $0.idempotency = claim(2) }) == "submitted 5 queued")
        },
        StoreConformance("a refused submission leaves its idempotency key free") { h async throws in
            let claim = IdempotencyClaim(principal: "", key: "k", bodyHash: [1], expiresAt: H.at(100))
            let new1 = H.new(1) {
                $0.idempotency = claim
                $0.after = [Dependency(H.id(9))]
            }
            #expect(try await h.submit(new1) == "unknownParent 9")
            #expect(try await h.submit(H.new(2) { $0.idempotency = claim }) == "submitted 2 queued")
        },
        StoreConformance("a unique key is held until the end, for each type and each named job") { h async throws in
            let lease = try await h.open()
            #expect(try await h.submit(H.new(1) { $0.uniqueKey = "u" }) == "submitted 1 queued")
            #expect(try await h.submit(H.new(2) { $0.uniqueKey = "u" }) == "existing 1")
            #expect(try await h.submit(H.new(3, type: "s") { $0.uniqueKey = "u" }) == "submitted 3 queued")
            #expect(try await h.submit(H.new(4, name: "n") { $0.uniqueKey = "u" }) == "submitted 4 queued")
            #expect(try await h.submit(H.new(5, type: "s", name: "n") { $0.uniqueKey = "u" }) == "existing 4")
            _ = try await h.claim(lease, 1)
            #expect(try await h.submit(H.new(6) { $0.uniqueKey = "u" }) == "existing 1")
            _ = try await h.text(H.end(1, 1, lease, .retry(at: H.at(50))))
            #expect(try await h.submit(H.new(7) { $0.uniqueKey = "u" }) == "existing 1")
            _ = try await h.text(.requestCancel(H.id(1), at: H.at(20)))
            #expect(try await h.submit(H.new(8) { $0.uniqueKey = "u" }) == "submitted 8 queued")
            #expect(try await h.text(.retryNow(H.id(1), extraRetries: 0, at: H.at(30))) == "conflict cancelled")
            _ = try await h.text(.requestCancel(H.id(8), at: H.at(31)))
            #expect(try await h.text(.retryNow(H.id(1), extraRetries: 0, at: H.at(32))) == "ready t")
            #expect(try await h.submit(H.new(9) { $0.uniqueKey = "u" }) == "existing 1")
        },
    ]
}
