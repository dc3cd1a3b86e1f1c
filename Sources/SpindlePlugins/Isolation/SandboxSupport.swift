import Glibc
import SpindleCore
import Synchronization

/// What sandboxes this host can give, found out by trying when it is first asked for.
final class SandboxSupport: Sendable {
    private struct State {
        var groups: ControlGroups?
        var outcomes: [SandboxLayers: SandboxTrial.Outcome] = [:]
    }

    private let binary: WorkerBinary
    /// For tests, which show what each layer is for.
    private let without: SandboxLayers
    private let state = Mutex(State())

    let isRoot = geteuid() == 0

    init(binary: WorkerBinary, without: SandboxLayers = []) {
        self.binary = binary
        self.without = without
    }

    /// Where control groups can be made. Blocks shortly the first time.
    func groups() -> ControlGroups {
        if let known = state.withLock({ $0.groups }) { return known }
        let found = ControlGroups.find()
        found.sweep()
        state.withLock { $0.groups = found }
        return found
    }

    /// Whether a worker with these layers can be had. Blocks for a start the first time.
    func outcome(_ layers: SandboxLayers) -> SandboxTrial.Outcome {
        if let known = state.withLock({ $0.outcomes[layers] }) { return known }
        var isolation = WorkerIsolation(layers: layers)
        isolation.user = isRoot ? PluginUsers.probe : nil
        isolation.groups = groups()
        if layers.contains(.controlGroups) {
            isolation.grants.memory = 256 << 20
            isolation.grants.pids = 64
        }
        let outcome = SandboxTrial.run(binary, isolation)
        // What is lacking only now may be there the next time.
        if outcome.isLasting { state.withLock { $0.outcomes[layers] = outcome } }
        return outcome
    }

    /// The layers of a sandbox with these grants.
    func layers(_ grants: EffectiveGrants = EffectiveGrants()) -> SandboxLayers {
        var layers = SandboxLayers.all(isRoot: isRoot)
        if !groups().parents.isEmpty { layers.insert(.controlGroups) }
        if grants.net == .any { layers.remove(.net) }
        // It is inherited by programs, some of which make code.
        if grants.exec || grants.jit { layers.remove(.memoryProtection) }
        return layers.subtracting(without)
    }

    /// A sandbox without grants and with the limits that it has without being told; nil if none can be had here. Blocks.
    func standard() -> WorkerIsolation? {
        let layers = layers()
        guard case .given = outcome(layers) else { return nil }
        var isolation = WorkerIsolation(layers: layers)
        isolation.grants = EffectiveGrants(needs: [], grants: Grants(), level: .sandbox)
        isolation.user = isRoot ? PluginUsers.probe : nil
        isolation.groups = groups()
        return isolation
    }

    /// For looking at a plugin: no network, no files, little of the rest. Nil if no sandbox can be had here. Blocks.
    ///
    /// - Parameters:
    ///   - level: Where the plugin is to run.
    ///   - limit: Microseconds that it may take.
    /// - Throws: Instead of nil if the plugin is to run in a sandbox: then its code must not run outside of one, not even to look at it.
    func probe(for level: IsolationLevel, libraries: [String], limit: Int64) throws(PluginRefusal) -> WorkerIsolation? {
        let layers = layers()
        if case .refused(let reason) = outcome(layers) {
            guard level.isSandboxed else { return nil }
            throw Self.refusal(level, reason)
        }
        var isolation = WorkerIsolation(layers: layers)
        isolation.user = isRoot ? PluginUsers.probe : nil
        isolation.libraries = libraries
        isolation.groups = groups()
        isolation.grants.memory = 256 << 20
        isolation.grants.pids = 64
        isolation.grants.output = 1 << 20
        isolation.cpuSeconds = max(limit / 1_000_000, 1) * 2
        return isolation
    }

    /// What surrounds the workers of an executor; nil if nothing does. Blocks.
    ///
    /// - Throws: If what the operator asks for cannot be given: never less than that.
    func isolation(for plan: ExecutorPlan, user: UInt32?, libraries: [String]) throws(PluginRefusal) -> WorkerIsolation? {
        let level = plan.isolation
        let grants = EffectiveGrants(needs: plan.kind.needs, grants: plan.sidecar.needs, level: level)
        try checkLimits(plan.sidecar.needs, level)
        var isolation: WorkerIsolation
        if level.isSandboxed {
            isolation = WorkerIsolation(layers: layers(grants), grants: grants)
            guard user != nil || !isRoot else {
                throw PluginRefusal("there is no user left for it: \(PluginUsers.range) are all taken")
            }
            isolation.user = isRoot ? user : nil
            isolation.libraries = libraries
            try checkPaths(grants)
            if case .refused(let reason) = outcome(isolation.layers) {
                throw Self.refusal(level, reason)
            }
        } else if level == .worker, grants != EffectiveGrants() {
            isolation = WorkerIsolation(layers: [.limits], grants: grants)
            if !groups().parents.isEmpty { isolation.layers.insert(.controlGroups) }
        } else {
            return nil
        }
        isolation.groups = groups()
        if level == .oneShot, let longest = plan.descriptor.maxTimeout {
            // Of all its processors, because a plugin may use them all.
            let seconds = longest / 1_000_000 + 1
            isolation.cpuSeconds = min(seconds, 1 << 40) * 2 * Int64(max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1))
        }
        return isolation
    }

    private static func refusal(_ level: IsolationLevel, _ reason: String) -> PluginRefusal {
        PluginRefusal("isolation \(level.rawValue) cannot be given here: \(reason); see spindle doctor")
    }

    /// What only a control group can hold.
    private func checkLimits(_ grants: Grants, _ level: IsolationLevel) throws(PluginRefusal) {
        var kinds: [String] = []
        if grants.cpuPermille != nil { kinds.append("cpu") }
        // Below a sandbox the processes of the host's user would be counted together.
        if grants.pids != nil, level == .worker { kinds.append("pids") }
        for kind in kinds where !groups().has(kind) {
            let reason = groups().reasons[kind] ?? "there is no control group"
            throw PluginRefusal("needs.\(kind) cannot be held here: \(reason); see spindle doctor")
        }
    }

    /// The worker follows no links in them: a plugin that may write could make some.
    private func checkPaths(_ grants: EffectiveGrants) throws(PluginRefusal) {
        if let (outer, inner) = grants.nested {
            throw PluginRefusal(
                "its sidecar grants \(inner) to write within \(outer) to read; grant paths of which none is in another"
            )
        }
        for path in grants.read + grants.write {
            guard let real = realpath(path, nil) else {
                throw PluginRefusal("its sidecar grants \(path), which cannot be opened: \(SystemCall.lastError)")
            }
            defer { free(real) }
            let resolved = String(cString: real)
            guard resolved == path else {
                throw PluginRefusal("its sidecar grants \(path), which is or contains a symbolic link; grant \(resolved)")
            }
        }
    }
}
