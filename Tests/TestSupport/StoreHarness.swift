public import SpindleCore

/// A store under test, with short ways to say what the tests say often.
public struct StoreHarness: Sendable {
    /// The store.
    public let store: any JobStore & JobReader
    /// The moment that ``at(_:)`` counts from.
    public static let start = Timestamp(microseconds: 1_790_000_000_000_000)

    /// Wraps an empty store.
    public init(_ store: any JobStore & JobReader) { self.store = store }

    /// The id of a number.
    public static func id(_ number: Int) -> ExecutionID {
        ExecutionID(UUIDv7(milliseconds: start.milliseconds + Int64(number), random: (0, UInt64(number))))
    }

    /// So many seconds after the start.
    public static func at(_ seconds: Int64) -> Timestamp { start.advanced(byMicroseconds: seconds * 1_000_000) }

    /// A plain execution, created at the start.
    public static func new(
        _ number: Int,
        type: String = "t",
        priority: Int32 = 0,
        name: String? = nil,
        at seconds: Int64 = 0,
        _ change: (inout NewExecution) -> Void = { _ in }
    ) -> NewExecution {
        let job = Job(
            id: JobID(UUIDv7(milliseconds: start.milliseconds, random: (1, UInt64(number)))),
            name: name,
            executorType: type,
            target: "target",
            parameters: ["a": "1", "b": "zwei"],
            priority: priority
        )
        var new = NewExecution(
            id: id(number),
            job: job,
            executorType: type,
            policy: JobPolicy(),
            createdAt: at(seconds)
        )
        change(&new)
        return new
    }

    /// The end of an attempt.
    public static func end(
        _ number: Int,
        _ attempt: Int32,
        _ lease: HostLease,
        _ next: Settlement.Next = .final(.succeeded),
        outcome: AttemptOutcome? = nil,
        at seconds: Int64 = 10,
        _ change: (inout Settlement) -> Void = { _ in }
    ) -> StoreCommand {
        var settlement = Settlement(
            key: AttemptKey(id(number), attempt),
            lease: lease,
            outcome: outcome ?? (next == .final(.succeeded) ? .succeeded : .failed),
            next: next,
            startedAt: at(seconds - 1),
            finishedAt: at(seconds),
            result: next == .final(.succeeded) ? .success() : .failure("broken", code: "test.broken"),
            ranOn: "worker 7"
        )
        change(&settlement)
        return .settle(settlement)
    }

    /// Applies one command.
    public func apply(_ command: StoreCommand) async throws -> StoreOutcome {
        let outcomes = try await store.apply([command])
        guard outcomes.count == 1 else { throw SpindleError(.internal, "one command had \(outcomes.count) outcomes") }
        return outcomes[0]
    }

    /// Applies one command and says how it went.
    public func text(_ command: StoreCommand) async throws -> String { StoreText.text(try await apply(command)) }

    /// Submits plain executions.
    public func submit(_ numbers: Int...) async throws {
        _ = try await store.apply(numbers.map { .submit(Self.new($0)) })
    }

    /// Submits one execution and says how that went.
    public func submit(_ new: NewExecution) async throws -> String { try await text(.submit(new)) }

    /// Opens the store for a new host.
    public func open(_ number: UInt64 = 1, at seconds: Int64 = 0) async throws -> HostLease {
        let host = HostID(UUIDv7(milliseconds: 1, random: (2, number)))
        let command = StoreCommand.openHost(host, leaseUntil: Self.at(seconds + 30), types: ["t"], at: Self.at(seconds))
        guard case .opened(let lease, _) = try await apply(command) else {
            throw SpindleError(.internal, "the store was not opened")
        }
        return lease
    }

    /// Claims, and says what was claimed.
    public func claim(_ lease: HostLease, _ limit: Int = 10, type: String = "t", at seconds: Int64 = 1) async throws -> String {
        try await text(.claim(type: type, limit: limit, host: lease, at: Self.at(seconds)))
    }

    /// Claims, and gives the claims themselves.
    public func claims(_ lease: HostLease, _ limit: Int, type: String = "t", at seconds: Int64) async throws -> [ClaimedExecution] {
        let outcome = try await apply(.claim(type: type, limit: limit, host: lease, at: Self.at(seconds)))
        guard case .claimed(let claims) = outcome else { throw SpindleError(.internal, "nothing was claimed") }
        return claims
    }

    /// The execution of a number, which must exist.
    public func execution(_ number: Int) async throws -> Execution {
        guard let execution = try await store.execution(Self.id(number)) else {
            throw SpindleError(.notFound, "there is no execution \(number)")
        }
        return execution
    }

    /// The state of the execution of a number.
    public func state(_ number: Int) async throws -> ExecutionState { try await execution(number).state }
}

/// Outcomes as short text, with executions by their number.
public enum StoreText {
    /// The number of an id.
    public static func number(_ id: ExecutionID) -> Int { Int(id.uuid.low & 0xFFFF_FFFF) }

    private static func list(_ ids: [ExecutionID]) -> String {
        "[" + ids.map { String(number($0)) }.joined(separator: " ") + "]"
    }

    private static func list(_ types: [String]) -> String { "[" + types.joined(separator: " ") + "]" }

    /// An outcome as text.
    public static func text(_ outcome: StoreOutcome) -> String {
        switch outcome {
        case .applied: "applied"
        case .submitted(let id, let state): "submitted \(number(id)) \(state)"
        case .existing(let id): "existing \(number(id))"
        case .idempotencyMismatch(let id): "mismatch \(number(id))"
        case .unknownParent(let id): "unknownParent \(number(id))"
        case .claimed(let claims):
            "claimed " + claims.map { "\(number($0.request.key.execution))/\($0.request.key.attempt)" }.joined(separator: " ")
        case .settled(let state, let types, let skipped): "settled \(state) \(list(types)) \(list(skipped))"
        case .stale: "stale"
        case .conflict(let state): "conflict \(state)"
        case .notFound: "notFound"
        case .cancelRequested: "cancelRequested"
        case .ready(let type): "ready \(type)"
        case .promoted(let types, let expired, let skipped, let next, let more):
            "promoted \(list(types)) \(list(expired)) \(list(skipped)) "
                + (next.map { "\(($0.microseconds - StoreHarness.start.microseconds) / 1_000_000)" } ?? "-")
                + (more ? " more" : "")
        case .opened(let lease, let recovered): "opened \(lease.epoch) \(recovered)"
        case .renewed(let cancelled): "renewed \(list(cancelled))"
        case .pruned(let ids): "pruned \(list(ids))"
        }
    }
}
