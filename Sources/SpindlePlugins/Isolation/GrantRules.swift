/// Which grants a level of isolation can hold a plugin to.
enum GrantRules {
    /// Refuses restrictions that nothing would enforce.
    static func check(_ sidecar: Sidecar) throws(PluginRefusal) {
        let level = sidecar.isolation ?? .worker
        guard !level.isSandboxed else { return }
        let needs = sidecar.needs
        var restrictions: [(String, Bool)] = [
            ("net", needs.net != nil && needs.net != .any), ("read", needs.read != nil), ("write", needs.write != nil),
            ("exec", needs.exec == false), ("jit", needs.jit == false),
        ]
        if level == .inProcess {
            restrictions += [
                ("memory", needs.memory != nil), ("cpu", needs.cpuPermille != nil), ("pids", needs.pids != nil),
                ("output", needs.output != nil),
            ]
        }
        guard let key = restrictions.first(where: { $0.1 })?.0 else { return }
        throw PluginRefusal(
            "needs.\(key) cannot be held at isolation \(level.rawValue); set isolation: sandbox, or leave needs.\(key) out"
        )
    }
}
