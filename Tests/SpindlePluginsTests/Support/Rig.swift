import SpindleCore
import Synchronization
import TestSupport
import Testing

@testable import SpindlePlugins

/// A loaded plugin host whose events can be waited for, and which is stopped at the end.
final class Rig: Sendable {
    struct Seen: Sendable {
        var result: ExecutionResult?
        var ranOn: String?
        var hasCodeEnded = false
        var isAbandoned = false
        var logs: [LogLine] = []
        var progress: [(Double, String)] = []
        var checkpoint: [UInt8]?
        var artefact: [UInt8] = []
    }

    private struct State {
        var seen: [AttemptKey: Seen] = [:]
        /// What says that artefacts were taken care of; nil lets go of it at once.
        var receipts: [Receipt]?
        var waiters: [(AttemptKey, @Sendable (Seen) -> Bool, CheckedContinuation<Seen, Never>)] = []
    }

    let host: PluginHost
    let executors: [String: any BatchExecutor]
    private let state = Mutex(State())
    private let numbers = Atomic<UInt64>(1)

    private init(_ host: PluginHost) {
        self.host = host
        executors = Dictionary(uniqueKeysWithValues: host.executors.map { ($0.executorType, $0) })
    }

    /// Loads the directory, runs the body, stops everything.
    static func with<Value>(
        _ workspace: Workspace,
        pool: WorkerPoolSettings = WorkerPoolSettings(),
        probeTimeout: Int64 = 60_000_000,
        without: SandboxLayers = [],
        quarantineAfter: Int32 = 0,
        secrets: String? = nil,
        isRedacting: Bool = true,
        saying said: SaidLines? = nil,
        _ body: (Rig) async throws -> Value
    ) async throws -> Value {
        var configuration = PluginHostConfiguration(
            directory: workspace.plugins,
            stateDirectory: workspace.state,
            workerPath: Workspace.worker,
            probeTimeout: probeTimeout
        )
        configuration.pool = pool
        configuration.withoutLayers = without
        configuration.quarantineAfter = quarantineAfter
        configuration.secretsDirectory = secrets
        if let said { configuration.logger = said.logger }
        configuration.isRedacting = isRedacting
        let host = try PluginHost(configuration: configuration)
        try await host.load()
        let rig = Rig(host)
        for executor in host.executors { executor.report { rig.take($0) } }
        let result: Result<Value, any Error>
        do { result = .success(try await body(rig)) } catch { result = .failure(error) }
        await host.stop()
        return try result.get()
    }

    func request(
        _ type: String,
        _ target: String,
        parameters: Parameters = Parameters(),
        payload: Payload? = nil,
        timeout: Int64 = 600_000_000,
        isSuspect: Bool = false,
        checkpoint: [UInt8]? = nil
    ) -> AttemptRequest {
        let number = numbers.wrappingAdd(1, ordering: .relaxed).newValue
        let id = ExecutionID(UUIDv7(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0000 | number))
        var policy = JobPolicy()
        policy.timeout = timeout
        return AttemptRequest(
            key: AttemptKey(id, 1),
            jobID: JobID(id.uuid),
            executorType: type,
            target: target,
            parameters: parameters,
            payload: payload,
            policy: policy,
            isSuspect: isSuspect,
            checkpoint: checkpoint
        )
    }

    func start(_ requests: [AttemptRequest]) throws {
        let executor = try #require(executors[requests[0].executorType])
        executor.start(requests, now: SystemClock().monotonic)
    }

    func cancel(_ request: AttemptRequest, _ reason: CancelReason, grace: Int64) throws {
        try #require(executors[request.executorType]).cancel(request.key, reason: reason, grace: grace)
    }

    /// Starts one attempt and waits for its result and the end of its code.
    func run(_ request: AttemptRequest) async throws -> Seen {
        try start([request])
        return await wait(request) { $0.result != nil && $0.hasCodeEnded }
    }

    /// Waits until what was seen of an attempt fits.
    func wait(_ request: AttemptRequest, until fits: @escaping @Sendable (Seen) -> Bool) async -> Seen {
        await withCheckedContinuation { continuation in
            let now = state.withLock { state -> Seen? in
                let seen = state.seen[request.key] ?? Seen()
                if fits(seen) { return seen }
                state.waiters.append((request.key, fits, continuation))
                return nil
            }
            if let now { continuation.resume(returning: now) }
        }
    }

    /// Has artefacts count as not written from now on.
    func holdReceipts() { state.withLock { $0.receipts = [] } }

    /// All that came was written, and all that comes will be at once.
    func letGoOfReceipts() {
        // Let go of outside the lock: the host may have more to say then.
        let held = state.withLock { state in
            defer { state.receipts = nil }
            return state.receipts
        }
        _ = consume held
    }

    private func take(_ events: [AttemptEvent]) {
        var ready: [(CheckedContinuation<Seen, Never>, Seen)] = []
        state.withLock { state in
            for event in events {
                state.seen[event.key, default: Seen()].add(event)
                if case .artefact(_, _, let chunk, _) = event, let receipt = chunk.receipt { state.receipts?.append(receipt) }
            }
            state.waiters.removeAll { key, fits, continuation in
                guard let seen = state.seen[key], fits(seen) else { return false }
                ready.append((continuation, seen))
                return true
            }
        }
        for (continuation, seen) in ready { continuation.resume(returning: seen) }
    }
}

extension Rig.Seen {
    mutating func add(_ event: AttemptEvent) {
        switch event {
        case .finished(_, let result, let ranOn, let codeEnded):
            #expect(self.result == nil, "one result for each attempt")
            self.result = result
            self.ranOn = ranOn
            if codeEnded {
                #expect(!hasCodeEnded)
                hasCodeEnded = true
            }
        case .codeEnded:
            #expect(!hasCodeEnded, "one end of its code for each attempt")
            hasCodeEnded = true
        case .abandoned: isAbandoned = true
        case .log(_, let line): logs.append(line)
        case .progress(_, let fraction, let note): progress.append((fraction, note))
        case .checkpoint(_, let bytes): checkpoint = bytes
        case .artefact(_, _, let chunk, _): artefact += chunk.bytes
        }
    }
}
