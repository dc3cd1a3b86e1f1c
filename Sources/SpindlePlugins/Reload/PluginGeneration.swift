import SpindleCore

/// One version of a plugin with the executors that run it.
struct PluginGeneration: Sendable {
    let version: PluginVersion
    /// How it is listed while it serves.
    var listing: PluginListing
    let executors: [PluginExecutor]
    /// What submits jobs of its own accord.
    var triggers: [PluginTrigger] = []

    /// Also those that run its triggers.
    var everyExecutor: [PluginExecutor] { executors + triggers.map(\.executor) }

    /// Whether its code lives in the host itself, where it cannot be replaced.
    var isInProcess: Bool { executors.contains { $0.isolation == .inProcess } }

    /// Who watches over all of them; nil where their code lives in the host.
    var supervisor: PluginSupervisor? { executors.lazy.compactMap(\.supervisor).first }

    /// Makes ready what the first attempts need.
    ///
    /// - Throws: ``PluginRefusal`` if an executor does not start.
    func warmUp() async throws(PluginRefusal) {
        for executor in executors {
            if let reason = await executor.warmUp() {
                throw PluginRefusal("\"\(executor.executorType)\" does not start: \(reason)")
            }
            if case .notReady(let reason) = await executor.check() {
                throw PluginRefusal("\"\(executor.executorType)\" is not ready: \(reason)")
            }
        }
    }
}
