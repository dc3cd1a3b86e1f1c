public import SpindleCore
import Synchronization

/// An executor whose attempts begin and end when a test says so.
public final class ScriptedExecutor: BatchExecutor {
    private struct State {
        var receiver: (@Sendable ([AttemptEvent]) -> Void)?
        var started: [AttemptRequest] = []
        var taken = 0
        var waitingForStart: [CheckedContinuation<AttemptRequest, Never>] = []
        var cancelled: [(key: AttemptKey, reason: CancelReason)] = []
        var cancelsTaken = 0
        var pauseReason: String?
        var pauseReceiver: (@Sendable () -> Void)?
        var waitingForCancel: [CheckedContinuation<(key: AttemptKey, reason: CancelReason), Never>] = []
    }

    private let state = Mutex(State())
    private let script: (@Sendable (AttemptRequest) -> ExecutionResult?)?
    public let descriptor: ExecutorDescriptor
    public var executorType: String { descriptor.type }

    /// - Parameters:
    ///   - descriptor: What it says about itself.
    ///   - script: The result of an attempt as soon as it starts; nil leaves the attempt to the test.
    public init(_ descriptor: ExecutorDescriptor, script: (@Sendable (AttemptRequest) -> ExecutionResult?)? = nil) {
        self.descriptor = descriptor
        self.script = script
    }

    public func execute(_ context: ExecutionContext) async -> ExecutionResult { .permanent("only in batches") }

    public func report(to receiver: @escaping @Sendable ([AttemptEvent]) -> Void) {
        state.withLock { $0.receiver = receiver }
    }

    public func start(_ attempts: [AttemptRequest], now: Int64) {
        for request in attempts {
            let waiting = state.withLock { state -> CheckedContinuation<AttemptRequest, Never>? in
                state.started.append(request)
                guard !state.waitingForStart.isEmpty else { return nil }
                state.taken += 1
                return state.waitingForStart.removeFirst()
            }
            waiting?.resume(returning: request)
            if let result = script?(request) { finish(request.key, result) }
        }
    }

    public func cancel(_ key: AttemptKey, reason: CancelReason, grace: Int64) {
        let waiting = state.withLock { state -> CheckedContinuation<(key: AttemptKey, reason: CancelReason), Never>? in
            state.cancelled.append((key, reason))
            guard !state.waitingForCancel.isEmpty else { return nil }
            state.cancelsTaken += 1
            return state.waitingForCancel.removeFirst()
        }
        waiting?.resume(returning: (key, reason))
    }

    public var pauseReason: String? { state.withLock { $0.pauseReason } }

    public func reportPauses(to receiver: @escaping @Sendable () -> Void) {
        state.withLock { $0.pauseReceiver = receiver }
    }

    public func run() async throws {
        let (stream, _) = AsyncStream<Void>.makeStream()
        for await _ in stream {}
    }

    // MARK: For tests

    /// Every attempt that was started, in order.
    public var started: [AttemptRequest] { state.withLock { $0.started } }
    /// Every request to end, in order.
    public var cancelled: [AttemptKey] { state.withLock { $0.cancelled.map(\.key) } }

    /// Waits for the next attempt to start; each is given once.
    public func nextStart() async -> AttemptRequest {
        await withCheckedContinuation { continuation in
            let next = state.withLock { state -> AttemptRequest? in
                if state.taken < state.started.count {
                    state.taken += 1
                    return state.started[state.taken - 1]
                }
                state.waitingForStart.append(continuation)
                return nil
            }
            if let next { continuation.resume(returning: next) }
        }
    }

    /// Waits for the next request to end; each is given once.
    public func nextCancel() async -> (key: AttemptKey, reason: CancelReason) {
        await withCheckedContinuation { continuation in
            let next = state.withLock { state -> (key: AttemptKey, reason: CancelReason)? in
                if state.cancelsTaken < state.cancelled.count {
                    state.cancelsTaken += 1
                    return state.cancelled[state.cancelsTaken - 1]
                }
                state.waitingForCancel.append(continuation)
                return nil
            }
            if let next { continuation.resume(returning: next) }
        }
    }

    /// Takes no attempts from now on, or takes them again.
    public func pause(_ reason: String?) {
        let receiver = state.withLock { state in
            state.pauseReason = reason
            return state.pauseReceiver
        }
        receiver?()
    }

    /// Ends an attempt.
    public func finish(_ key: AttemptKey, _ result: ExecutionResult, codeEnded: Bool = true) {
        send(.finished(key, result, ranOn: "script", codeEnded: codeEnded))
    }

    /// Reports something else.
    public func send(_ event: AttemptEvent) {
        let receiver = state.withLock { $0.receiver }
        receiver?([event])
    }
}
