import Logging
import SpindleCore
import Synchronization

/// Watches over one plugin, all its executors together: a lock around ``PluginBreaker``.
final class PluginSupervisor: Sendable {
    private struct State {
        var breaker: PluginBreaker
        var observers: [@Sendable () -> Void] = []
    }

    /// The plugin's name.
    let plugin: String
    private let key: String
    private let kept: QuarantineFile
    private let services: PluginServices
    private let state: Mutex<State>

    init(plugin: String, digest: String, settings: PluginBreaker.Settings, kept: QuarantineFile, services: PluginServices) {
        self.plugin = plugin
        self.kept = kept
        self.services = services
        key = QuarantineFile.key(file: "\(plugin).so", digest: digest)
        state = Mutex(State(breaker: PluginBreaker(settings: settings, quarantine: kept[key])))
    }

    /// Why the plugin gets no work; nil if it does. Any thread.
    var quarantine: Quarantine? { state.withLock { $0.breaker.quarantine } }

    /// Says whom to tell when ``quarantine`` has changed: any thread, must not block.
    func observe(_ observer: @escaping @Sendable () -> Void) { state.withLock { $0.observers.append(observer) } }

    /// A worker of the plugin died by itself. Any thread; never blocks.
    func crashed(_ what: String) {
        let (now, wall) = (services.clock.monotonic, services.clock.now.microseconds)
        let (begun, observers) = state.withLock { ($0.breaker.crashed(what, now: now, wall: wall), $0.observers) }
        guard let begun else { return }
        services.logger.error(
            "\(plugin) is quarantined: \(begun.reason). Its jobs wait; \"spindle plugins release \(plugin)\" lets them run again."
        )
        kept.set(begun, for: key)
        for observer in observers { observer() }
    }

    /// Lifts the quarantine. May block.
    ///
    /// - Returns: Whether there was one.
    func release() -> Bool {
        let (wasQuarantined, observers) = state.withLock { ($0.breaker.release(), $0.observers) }
        guard wasQuarantined else { return false }
        kept.set(nil, for: key)
        kept.save()
        services.logger.notice("\(plugin) is released from quarantine")
        for observer in observers { observer() }
        return true
    }
}
