import SpindleCore
import Testing

extension StoreConformance {
    private typealias H = StoreHarness

    static let hostCases = [
        StoreConformance("each opening has a higher epoch, and ends the lease before") { h async throws in
            let first = try await h.open(1)
            let second = try await h.open(2)
            #expect(second.epoch > first.epoch)
            #expect(try await h.text(.renewHost(first, leaseUntil: H.at(99), at: H.at(1))) == "stale")
            #expect(try await h.text(.renewHost(second, leaseUntil: H.at(99), at: H.at(1))) == "renewed []")
            #expect(try await h.text(.closeHost(first, at: H.at(1))) == "stale")
            #expect(try await h.text(.releaseUnheld(first, holding: [], at: H.at(1))) == "stale")
        },
        StoreConformance("a renewal names what was asked to end") { h async throws in
            let lease = try await h.open()
            try await h.submit(1, 2, 3)
            _ = try await h.claim(lease)
            _ = try await h.text(.requestCancel(H.id(3), at: H.at(2)))
            _ = try await h.text(.requestCancel(H.id(1), at: H.at(2)))
            #expect(try await h.text(.renewHost(lease, leaseUntil: H.at(40), at: H.at(3))) == "renewed [1 3]")
        },
        StoreConformance("what a dead host held runs again, and the loss is counted") { h async throws in
            let first = try await h.open(1)
            try await h.submit(1, 2)
            _ = try await h.claim(first, 1)
            let host = HostID(UUIDv7(milliseconds: 1, random: (2, 2)))
            let open = StoreCommand.openHost(host, leaseUntil: H.at(60), types: [], at: H.at(20))
            #expect(try await h.text(open) == "opened \(first.epoch + 1) 1")
            let execution = try await h.execution(1)
            #expect(execution.state == .queued)
            #expect(execution.losses == 1)
            #expect(execution.lastOutcome == .interrupted)
            #expect(execution.errorCode == "spindle.hostLost")
            let attempts = try await h.store.attempts(of: H.id(1))
            #expect(attempts.map(\.outcome) == [.interrupted])
            #expect(attempts.first?.finishedAt == H.at(20))
            #expect(try await h.execution(2).losses == 0)
        },
        StoreConformance("a job that must not run twice fails with its host; a cancelled one is cancelled") { h async throws in
            let first = try await h.open(1)
            _ = try await h.submit(H.new(1) { $0.policy.onInterrupted = .fail })
            _ = try await h.submit(H.new(2) { $0.policy.onInterrupted = .fail })
            try await h.submit(3)
            _ = try await h.submit(H.new(4, type: "s") { $0.after = [Dependency(H.id(1), on: .failed)] })
            _ = try await h.submit(H.new(5, type: "s") { $0.after = [Dependency(H.id(3))] })
            _ = try await h.claim(first)
            _ = try await h.text(.requestCancel(H.id(2), at: H.at(5)))
            _ = try await h.text(.requestCancel(H.id(3), at: H.at(5)))
            _ = try await h.open(2, at: 20)
            let failed = try await h.execution(1)
            #expect(failed.state == .failed)
            #expect(failed.errorCode == "spindle.outcomeUnknown")
            #expect(failed.error?.contains("outcome is unknown") == true)
            #expect(failed.finishedAt == H.at(20))
            #expect(try await h.state(2) == .cancelled)
            #expect(try await h.state(3) == .cancelled)
            #expect(try await h.state(4) == .queued)
            #expect(try await h.state(5) == .skipped)
        },
        StoreConformance("three losses make a suspect, a fourth one fails it") { h async throws in
            try await h.submit(1)
            for loss: UInt64 in 1...4 {
                let lease = try await h.open(loss, at: Int64(loss))
                let claims = try await h.claims(lease, 1, at: 9)
                #expect(claims.first?.request.isSuspect == (loss == 4))
                #expect(claims.first?.losses == Int32(loss - 1))
            }
            let lease = try await h.open(9, at: 9)
            let execution = try await h.execution(1)
            #expect(execution.state == .failed)
            #expect(execution.losses == 4)
            #expect(execution.errorCode == "spindle.lostTooOften")
            #expect(try await h.store.attempts(of: H.id(1)).count == 4)
            #expect(try await h.claim(lease) == "claimed ")
        },
        StoreConformance("a clean end gives claims back without counting a loss") { h async throws in
            let lease = try await h.open()
            try await h.submit(1, 2)
            _ = try await h.submit(H.new(3) { $0.policy.onInterrupted = .fail })
            _ = try await h.claim(lease)
            _ = try await h.text(.requestCancel(H.id(2), at: H.at(5)))
            #expect(try await h.text(.closeHost(lease, at: H.at(6))) == "applied")
            let execution = try await h.execution(1)
            #expect(execution.state == .queued)
            #expect(execution.losses == 0)
            #expect(execution.lastOutcome == .interrupted)
            #expect(try await h.state(2) == .cancelled)
            #expect(try await h.state(3) == .queued)
            #expect(try await h.claim(lease) == "stale")
            #expect(try await h.text(.closeHost(lease, at: H.at(7))) == "stale")
            #expect(try await h.text(H.end(1, 1, lease)) == "stale")
            let next = try await h.open(2)
            #expect(next.epoch > lease.epoch)
            #expect(try await h.claim(next) == "claimed 1/2 3/2")
        },
        StoreConformance("a host gives back what it does not hold") { h async throws in
            let lease = try await h.open()
            try await h.submit(1, 2, 3)
            _ = try await h.submit(H.new(4, type: "s"))
            _ = try await h.submit(H.new(5) { $0.after = [Dependency(H.id(3))] })
            _ = try await h.claim(lease)
            _ = try await h.claim(lease, type: "s")
            _ = try await h.text(.requestCancel(H.id(3), at: H.at(5)))
            let command = StoreCommand.releaseUnheld(lease, holding: [H.id(1), H.id(77)], at: H.at(6))
            #expect(try await h.text(command) == "promoted [s t] [] [5] -")
            #expect(try await h.state(1) == .running)
            #expect(try await h.state(2) == .queued)
            #expect(try await h.state(3) == .cancelled)
            #expect(try await h.execution(2).losses == 0)
            #expect(try await h.text(command) == "promoted [] [] [] -")
        },
    ]
}
