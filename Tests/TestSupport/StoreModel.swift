public import SpindleCore
import Testing

/// Drives two stores with the same random commands and compares every outcome and everything that can be read.
public struct StoreModel {
    private let reference: StoreHarness
    private let candidate: StoreHarness
    private let random: SeededRandomSource
    private var now: Int64 = 0
    private var count = 0
    private var lease: HostLease
    private var oldLease: HostLease?
    private var held: [AttemptKey] = []
    private var states: [ExecutionID: ExecutionState] = [:]

    /// Pairs a store that is known to be right with another one; both are empty.
    public init(reference: any JobStore & JobReader, candidate: any JobStore & JobReader, seed: UInt64) async throws {
        self.reference = StoreHarness(reference)
        self.candidate = StoreHarness(candidate)
        random = SeededRandomSource(seed: seed)
        lease = try await self.reference.open(1)
        _ = try await self.candidate.open(1)
    }

    /// Applies so many commands.
    public mutating func run(_ steps: Int) async throws {
        for step in 1...steps {
            now += Int64(below(3))
            let command = nextCommand()
            let expected = try await reference.apply(command)
            let actual = try await candidate.apply(command)
            #expect(StoreText.text(actual) == StoreText.text(expected), "step \(step): \(command)")
            try require(claims(actual) == claims(expected), "step \(step): the claims differ")
            follow(expected)
            try await checkTransitions()
            if step % 100 == 0 || step == steps { try await compareAll(step) }
        }
    }

    private func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }

    private func chance(_ percent: Int) -> Bool { below(100) < percent }

    private func require(_ condition: Bool, _ message: String) throws {
        if !condition { throw SpindleError(.internal, message) }
    }

    // MARK: - Commands

    private mutating func nextCommand() -> StoreCommand {
        switch below(100) {
        case 0..<30: return .submit(submission())
        case 30..<45:
            let old = chance(5) ? oldLease : nil
            return .claim(type: type(), limit: below(4), host: old ?? lease, at: StoreHarness.at(now))
        case 45..<70: return settlement()
        case 70..<76: return .requestCancel(anyID(), at: StoreHarness.at(now))
        case 76..<80: return .retryNow(anyID(), extraRetries: Int32(below(3)), at: StoreHarness.at(now))
        case 80..<88: return .promote(now: StoreHarness.at(now), limit: 1 + below(4))
        case 88..<91:
            let key = held.randomElement(with: random) ?? AttemptKey(anyID(), 1)
            return .checkpoint(key, epoch: lease.epoch, [UInt8(below(256)), 1])
        case 91..<93: return .renewHost(lease, leaseUntil: StoreHarness.at(now + 30), at: StoreHarness.at(now))
        case 93..<94:
            return .releaseUnheld(lease, holding: Set(held.prefix(3).map(\.execution)), at: StoreHarness.at(now))
        case 94..<96:
            let host = HostID(UUIDv7(milliseconds: 1, random: (3, random.next())))
            return .openHost(host, leaseUntil: StoreHarness.at(now + 30), types: ["a"], at: StoreHarness.at(now))
        case 96..<97: return .closeHost(lease, at: StoreHarness.at(now))
        default:
            let retention = Retention(finished: 60_000_000, failed: 120_000_000, maxSucceeded: Int64(20 + below(20)))
            return .prune(retention, now: StoreHarness.at(now), limit: 1 + below(5))
        }
    }

    private func type() -> String { ["a", "b", "c"][below(3)] }

    private func anyID() -> ExecutionID { StoreHarness.id(1 + below(count + 2)) }

    private mutating func submission() -> NewExecution {
        count += 1
        let number = chance(4) ? 1 + below(count) : count
        let name = chance(20) ? "job" : nil
        var new = StoreHarness.new(number, type: type(), priority: Int32(below(5)) - 2, name: name, at: now)
        if chance(15) { new.runAt = StoreHarness.at(now + Int64(below(40)) - 5) }
        if chance(15) { new.startBy = StoreHarness.at(now + Int64(below(60))) }
        if chance(10) { new.uniqueKey = "u\(below(3))" }
        if chance(30) { new.claim = chance(90) ? lease : oldLease }
        if chance(10) { new.policy.onInterrupted = .fail }
        if chance(10) { new.policy.retry.maxRetries = Int32(below(3)) }
        if chance(10) { new.job.payload = Payload([UInt8](repeating: 7, count: below(3000)), contentType: "x/y") }
        if chance(5) { new.job.parameters["long"] = String(repeating: "x", count: 600) }
        if chance(10) {
            new.idempotency = IdempotencyClaim(
                principal: "p",
                key: "k\(below(4))",
                bodyHash: [UInt8(below(2))],
                expiresAt: StoreHarness.at(now + 30)
            )
        }
        if chance(35) {
            new.after = (0...below(3)).map { _ in
                Dependency(anyID(), on: [.succeeded, .failed, .any][below(3)])
            }
        }
        return new
    }

    private mutating func settlement() -> StoreCommand {
        let key = held.randomElement(with: random) ?? AttemptKey(anyID(), 1)
        let next: Settlement.Next =
            switch below(6) {
            case 0, 1: .final(.succeeded)
            case 2: .final(.failed)
            case 3: .retry(at: StoreHarness.at(now + Int64(below(20))))
            case 4: .requeue
            default: .final(.cancelled)
            }
        let (failures, losses, output) = (Int32(below(4)), Int32(below(5)), chance(20))
        let isSuspect = chance(20)
        let number = StoreText.number(key.execution)
        let lease = chance(5) ? oldLease ?? lease : lease
        return StoreHarness.end(number, key.attempt, lease, next, at: now) { settlement in
            settlement.failures = failures
            settlement.losses = losses
            settlement.isSuspect = isSuspect
            if output { settlement.result.output = Payload("out \(failures)") }
        }
    }

    private mutating func follow(_ outcome: StoreOutcome) {
        switch outcome {
        case .claimed(let claims): held += claims.map(\.request.key)
        case .submitted(let id, .running): held.append(AttemptKey(id, 1))
        case .opened(let opened, _):
            oldLease = lease
            lease = opened
        default: break
        }
        if held.count > 20 { held.removeFirst(10) }
    }

    // MARK: - Comparisons

    private func claims(_ outcome: StoreOutcome) -> [String] {
        guard case .claimed(let claims) = outcome else { return [] }
        return claims.map { claim in
            let request = claim.request
            let parts: [Any] = [
                request.key, request.jobID, request.jobName as Any, request.target, request.parameters,
                request.payload as Any, request.policy, request.failures, request.maxFailures, request.isSuspect,
                request.checkpoint as Any, claim.rank, claim.crashes, claim.losses,
            ]
            return "\(parts)"
        }
    }

    /// Every execution went at most one legal step.
    private mutating func checkTransitions() async throws {
        let all = try await reference.store.executions(ExecutionFilter(), limit: .max, before: nil)
        var after: [ExecutionID: ExecutionState] = [:]
        for execution in all {
            after[execution.id] = execution.state
            guard let before = states[execution.id] else {
                #expect(ExecutionState.initial.contains(execution.state))
                continue
            }
            #expect(before == execution.state || before.canBecome(execution.state), "\(before) → \(execution.state)")
        }
        states = after
    }

    private func compareAll(_ step: Int) async throws {
        let (expected, actual) = (reference.store, candidate.store)
        let executions = try await expected.executions(ExecutionFilter(), limit: .max, before: nil)
        let others = try await actual.executions(ExecutionFilter(), limit: .max, before: nil)
        try require(executions.count == others.count, "step \(step): \(executions.count) against \(others.count)")
        for (left, right) in zip(executions, others) {
            #expect("\(right)" == "\(left)")
            let id = left.id
            let attempts = (try await expected.attempts(of: id), try await actual.attempts(of: id))
            #expect("\(attempts.1)" == "\(attempts.0)")
            #expect(try await actual.dependencies(of: id) == (try await expected.dependencies(of: id)))
            #expect(try await actual.payload(of: id) == (try await expected.payload(of: id)))
            #expect(try await actual.output(of: id) == (try await expected.output(of: id)))
        }
        #expect(try await actual.stateCounts() == (try await expected.stateCounts()))
        #expect(try await actual.nextDue() == (try await expected.nextDue()))
        let types = (try await expected.readyTypes(), try await actual.readyTypes())
        #expect("\(types.1)" == "\(types.0)")
        let filter = ["a", "b"][step / 100 % 2]
        var wanted = ExecutionFilter()
        wanted.type = filter
        wanted.states = [.queued, .failed, .waiting]
        let before = anyID()
        let page = try await actual.executions(wanted, limit: 7, before: before).map(\.id)
        #expect(page == (try await expected.executions(wanted, limit: 7, before: before).map(\.id)))
    }
}

extension Array {
    fileprivate func randomElement(with random: SeededRandomSource) -> Element? {
        isEmpty ? nil : self[Int(random.next() % UInt64(count))]
    }
}
