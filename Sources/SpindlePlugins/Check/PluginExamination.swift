import SpindleCore

/// One plugin file, looked at from the outside in: what stands in the file, what it says, what it does.
final class PluginExamination {
    private let host: PluginHost
    /// How long an attempt may take, in microseconds; nil makes none.
    private let callLimit: Int64?
    private(set) var checks: [PluginCheck] = []

    init(_ host: PluginHost, callLimit: Int64?) {
        self.host = host
        self.callLimit = callLimit
    }

    private func add(_ name: String, _ verdict: PluginCheck.Verdict, _ message: String, advice: String? = nil) {
        checks.append(PluginCheck(name, verdict, message, advice: advice))
    }

    /// Looks at a file, as far as what was found allows it.
    ///
    /// - Throws: ``SpindleError`` if the file cannot be opened at all.
    func examine(_ path: String) async throws {
        let file: PluginFile
        switch try await host.open(file: path) {
        case .failure(let refusal):
            return add("file", .failed, refusal.reason, advice: "\"Why a file is not used\" in Docs/plugins.md explains it.")
        case .success((_, .failure(let refusal))):
            return add("file", .failed, refusal.reason, advice: "\"Why a file is not used\" in Docs/plugins.md explains it.")
        case .success((let opened, .success)): file = opened
        }
        add("file", .ok, "a shared library with the factory, \(file.image.size) bytes")
        lookAtExports(file)
        var sidecar = Sidecar()
        var hasSidecar = false
        do {
            if let found = try await Blocking.run({ try PluginHost.sidecar(beside: path) }) {
                sidecar = found
                hasSidecar = true
                add("sidecar", .ok, "every key is known and allowed")
            }
        } catch let error as SpindleError {
            // Without it nobody knows where its code may run: not at all.
            return add(
                "sidecar",
                .failed,
                PluginRefusal(error).reason,
                advice: "\"Every key of a sidecar\" in Docs/plugins.md has them all."
            )
        }
        // Its code is never loaded into this process.
        if sidecar.isolation == .inProcess { sidecar.isolation = .worker }
        guard let manifest = await load(file, sidecar) else { return }
        checks += DescriptorRules.checks(manifest)
        await lookAtInstances(file, manifest, sidecar, hasSidecar: hasSidecar)
    }

    private func lookAtExports(_ file: PluginFile) {
        let others = ElfSymbols(bytes: file.image.bytes).exports.filter { $0 != ElfImage.factorySymbol }
        guard !others.isEmpty else { return add("exports", .ok, "the factory, and nothing else") }
        let shown = others.prefix(3).joined(separator: ", ")
        add(
            "exports",
            .warning,
            "it exports \(others.count) more names than the factory: \(shown)\(others.count > 3 ? " …" : "")",
            advice: "Build with -fvisibility=hidden, or link with a version script: other libraries of the process could take them."
        )
    }

    /// Has it describe itself, and then once more with its `init`.
    private func load(_ file: PluginFile, _ sidecar: Sidecar) async -> PluginManifest? {
        let help = "See \"Debugging a plugin\" in Docs/plugin-abi.md."
        switch await host.probe(file, sidecar, audits: false) {
        case .refused(let reason), .failed(let reason):
            add("loading", .failed, reason, advice: help)
            return nil
        case .loads(let manifest):
            hygiene("loading", manifest.loadChanges)
            switch await host.probe(file, sidecar, audits: true) {
            case .refused(let reason), .failed(let reason): add("init", .failed, reason, advice: help)
            case .loads(let audited):  // Threads and descriptors of its own are what an init is for; the host refuses them nowhere.
                hygiene("init", (audited.initChanges ?? []).filter { !$0.hasPrefix("threads:") && !$0.hasPrefix("descriptors:") })
            }
            return manifest
        }
    }

    private func hygiene(_ name: String, _ changes: [String]) {
        guard !changes.isEmpty else { return add(name, .ok, "nothing that its process shares was changed") }
        add(
            name,
            .warning,
            "it changes what its whole process shares: \(changes.joined(separator: ", "))",
            advice: "Leave that alone, or tell operators to set allowChanges: in the host's process it is refused."
        )
    }

    private func lookAtInstances(
        _ file: PluginFile,
        _ manifest: PluginManifest,
        _ sidecar: Sidecar,
        hasSidecar: Bool
    ) async {
        let executors: [PluginExecutor]
        let plans: [ExecutorPlan]
        do throws(PluginRefusal) {
            plans = try ExecutorPlan.all(manifest, sidecar, plugin: file.name)
            let triggers = try ExecutorPlan.triggers(manifest, sidecar, plugin: file.name)
            // They would take what waits for the real host.
            if !triggers.isEmpty { add("triggers", .ok, "\(triggers.count) of the sidecar fit the plugin; none was started") }
        } catch {
            return add(
                "configuration",
                hasSidecar ? .failed : .warning,
                error.reason,
                advice: hasSidecar
                    ? "Correct the sidecar." : "Put a sidecar \(file.name).yaml with its config beside the file, and check again."
            )
        }
        do {
            executors = try await host.makeExecutors(plans, file)
        } catch {
            return add(
                "isolation",
                .failed,
                (error as? PluginRefusal)?.reason ?? "\(error)",
                advice: "\"spindle doctor\" says what is missing."
            )
        }
        for (executor, plan) in zip(executors, plans) {
            await lookAt(executor, plan, hasSidecar: hasSidecar)
            await executor.stop()
        }
    }

    private func lookAt(_ executor: PluginExecutor, _ plan: ExecutorPlan, hasSidecar: Bool) async {
        if let failure = await executor.warmUp() {
            return add(
                "instance \(plan.type)",
                .failed,
                failure,
                advice: hasSidecar
                    ? "Correct its config, or what it needs."
                    : "If it needs a config, put it into a sidecar \(plan.plugin).yaml beside the file."
            )
        }
        add(
            "instance \(plan.type)",
            .ok,
            "made at \(plan.isolation.rawValue) with \(hasSidecar ? "its sidecar's config" : "an empty config")"
        )
        if plan.kind.canBeChecked {
            switch await executor.check() {
            case .notReady(let reason):
                add("check \(plan.type)", .warning, reason, advice: "What it needs is not there: see its documentation.")
            case .ready, .unknown: add("check \(plan.type)", .ok, "what it needs is there")
            }
        }
        guard let callLimit else { return }
        checks += await TrialCalls(
            executor: executor,
            type: plan.type,
            isConcurrent: plan.kind.isConcurrent,
            promisesCancel: plan.kind.isCancellable,
            limit: callLimit
        ).checks()
    }

    /// What the host itself remarked on its way.
    func add(remarks: [String]) {
        for remark in remarks { add("end", .warning, remark, advice: "Workers shall end by themselves, without a crash.") }
        if remarks.isEmpty { add("end", .ok, "the host remarked nothing else") }
    }
}
