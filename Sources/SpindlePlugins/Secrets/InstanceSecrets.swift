import SpindleCore
import Synchronization

/// What the workers of one pool are given: the secrets of their instance, and those of each open attempt. Any thread.
final class InstanceSecrets: Sendable {
    private struct State {
        var instance: [NamedSecret] = []
        var attempts: [AttemptKey: [NamedSecret]] = [:]
    }

    let executor: ExecutorSecrets
    private let state = Mutex(State())

    init(_ executor: ExecutorSecrets) { self.executor = executor }

    /// What its configuration refers to.
    var instance: [NamedSecret] {
        get { state.withLock(\.instance) }
        set { state.withLock { $0.instance = newValue } }
    }

    /// What the parameters of an attempt refer to.
    func of(_ key: AttemptKey) -> [NamedSecret] { state.withLock { $0.attempts[key] ?? [] } }

    /// Attempts that were begun and whose code has not ended.
    var open: Int { state.withLock { $0.attempts.count } }

    func begin(_ key: AttemptKey, _ secrets: [NamedSecret]) { state.withLock { $0.attempts[key] = secrets } }

    func end(_ key: AttemptKey) { state.withLock { $0.attempts[key] = nil } }
}
