/// Which changes of its process a plugin may make while it is loaded and initialised.
struct HygienePolicy: Sendable {
    /// Whether every change that the sidecar does not allow is refused, also in a worker process.
    var refuses = false

    /// Refuses a plugin that changes what it must not.
    ///
    /// In the host itself nothing that could hurt the others is taken unasked; in a process of its own it is shown.
    func check(_ manifest: PluginManifest, _ sidecar: Sidecar) throws(PluginRefusal) {
        let isInHost = sidecar.isolation == .inProcess
        let changes = manifest.loadChanges + (manifest.initChanges ?? [])
        let refused = changes.filter { change in
            guard let kind = ProcessChange.kind(of: change) else { return refuses || isInHost }
            guard refuses || (isInHost && kind.isHarmful) else { return false }
            return !sidecar.allowedChanges.contains { $0 == change || $0 == kind.rawValue }
        }
        guard !refused.isEmpty else { return }
        var seen: [String] = []
        for change in refused where !seen.contains(change) { seen.append(change) }
        let list = seen.prefix(8).joined(separator: ", ") + (seen.count > 8 ? " and \(seen.count - 8) more" : "")
        throw PluginRefusal("loading it changes what its whole process shares: \(list); allowChanges in its sidecar allows that")
    }
}
