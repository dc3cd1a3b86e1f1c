import FoundationEssentials
import SpindleCore

/// One executor that a plugin gives: what the sidecar says over what the plugin says.
struct ExecutorPlan {
    var type: String
    var kind: PluginManifest.Executor
    var config: String
    var concurrency: Int32?
    var sidecar: Sidecar
    var plugin: String
    var parametersSchema: JSONSchema?
    /// The secrets that its configuration refers to.
    var secretNames: [String] = []
    /// It submits jobs instead of running them; ``type`` is the operator's name for it.
    var isTrigger = false

    /// The executors of a plugin.
    ///
    /// - Throws: If the sidecar and the plugin do not fit.
    static func all(_ manifest: PluginManifest, _ sidecar: Sidecar, plugin: String) throws(PluginRefusal) -> [ExecutorPlan] {
        var plans: [ExecutorPlan] = []
        if sidecar.executors.isEmpty {
            for kind in manifest.executors {
                try append(kind.type, kind, sidecar.config, nil)
            }
        }
        for instance in sidecar.executors {
            guard let kind = manifest.executors.first(where: { $0.type == instance.uses }) else {
                let known = manifest.executors.map(\.type)
                let nearest = NearestName.of(instance.uses, among: known).map { "; did you mean \"\($0)\"?" } ?? ""
                throw PluginRefusal("its sidecar uses \"\(instance.uses)\", which the plugin does not have\(nearest)")
            }
            try append(instance.type, kind, instance.config ?? sidecar.config, instance.concurrency)
        }
        func append(
            _ type: String,
            _ kind: PluginManifest.Executor,
            _ config: String?,
            _ concurrency: Int32?
        ) throws(PluginRefusal) {
            if let reason = manifest.undescribed[type] { throw PluginRefusal("it cannot describe \"\(type)\": \(reason)") }
            if let allowed = sidecar.types, !allowed.contains(type) { return }
            var plan = ExecutorPlan(
                type: type,
                kind: manifest.described[type] ?? kind,
                config: config ?? "{}",
                concurrency: concurrency,
                sidecar: sidecar,
                plugin: plugin
            )
            try plan.checkConfiguration()
            plan.secretNames = try plan.secretsOfConfiguration()
            plan.parametersSchema = try plan.schema(plan.kind.parametersSchema, "parameters")
            plans.append(plan)
        }
        try GrantRules.check(sidecar)
        guard !plans.isEmpty else { throw PluginRefusal("its sidecar allows none of the types that it offers") }
        if sidecar.isolation == .inProcess, let kind = plans.first(where: { $0.kind.needsIsolation })?.kind {
            throw PluginRefusal("its executor \"\(kind.type)\" must not run in the host; set isolation: worker")
        }
        return plans
    }

    /// The triggers that the operator has named.
    ///
    /// - Throws: If the sidecar and the plugin do not fit.
    static func triggers(_ manifest: PluginManifest, _ sidecar: Sidecar, plugin: String) throws(PluginRefusal) -> [ExecutorPlan] {
        var plans: [ExecutorPlan] = []
        for trigger in sidecar.triggers {
            if sidecar.isolation == .inProcess {
                throw PluginRefusal("its trigger \"\(trigger.name)\" must not run in the host; set isolation: worker")
            }
            if sidecar.submits.isEmpty {
                throw PluginRefusal("its sidecar does not say what its triggers may submit to: submits: [TYPE, …]")
            }
            guard let kind = manifest.triggers.first(where: { $0.type == trigger.uses }) else {
                let known = manifest.triggers.map(\.type)
                let has = known.isEmpty ? "has no triggers" : "has \(known.joined(separator: ", "))"
                throw PluginRefusal("its sidecar uses the trigger \"\(trigger.uses)\"; the plugin \(has)")
            }
            var plan = ExecutorPlan(
                type: trigger.name,
                kind: kind,
                config: trigger.config ?? sidecar.config ?? "{}",
                sidecar: sidecar,
                plugin: plugin
            )
            plan.isTrigger = true
            try plan.checkConfiguration()
            plan.secretNames = try plan.secretsOfConfiguration()
            plans.append(plan)
        }
        return plans
    }

    /// Where what it hands over goes; nil for an executor.
    var door: SubmissionDoor? {
        guard isTrigger else { return nil }
        let types = sidecar.submits.contains("*") ? nil : Set(sidecar.submits)
        return SubmissionDoor(types: types, principal: "trigger:\(plugin)/\(type)")
    }

    /// The ABI promises a plugin that its configuration fits the schema it gave.
    private func checkConfiguration() throws(PluginRefusal) {
        guard let violation = try schema(kind.configSchema, "configuration")?.violation(inJSON: config) else { return }
        let place = violation.pointer.isEmpty ? "the configuration" : "\(violation.pointer) in the configuration"
        throw PluginRefusal("\(place) of \"\(type)\" \(violation.message)")
    }

    private func secretsOfConfiguration() throws(PluginRefusal) -> [String] {
        // Almost no configuration has any, and none is parsed for nothing.
        guard config.contains("secret://") else { return [] }
        guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(config.utf8)) else { return [] }
        var names: [String] = []
        var rest = [value]
        while let next = rest.popLast() {
            switch next {
            case .array(let items): rest += items
            case .object(let members): rest += members.values
            case .string(let text):
                switch SecretReference(in: text) {
                case .none: break
                case .malformed(let name): throw PluginRefusal(SpindleError(.plugin, SecretFailure.malformed(name).message))
                case .name(let name):
                    guard sidecar.secrets.contains(name) else {
                        throw PluginRefusal(
                            "its configuration refers to the secret \"\(name)\", which its sidecar does not grant: secrets: [\(name)]"
                        )
                    }
                    if !names.contains(name) { names.append(name) }
                }
            default: break
            }
        }
        return names.sorted()
    }

    private func schema(_ text: String?, _ what: String) throws(PluginRefusal) -> JSONSchema? {
        guard let text else { return nil }
        do throws(SpindleError) {
            return try JSONSchema(text)
        } catch {
            throw PluginRefusal("its \(what) schema for \"\(type)\" cannot be used: \(PluginRefusal(error).reason)")
        }
    }

    var isolation: IsolationLevel { sidecar.isolation ?? .worker }

    /// Attempts that one worker may have open.
    var attemptsPerWorker: Int {
        guard kind.isConcurrent, isolation != .oneShot, !isTrigger else { return 1 }
        return Int(sidecar.concurrencyPerWorker ?? (kind.isAsync ? 256 : 8))
    }

    var instance: InstancePlan {
        InstancePlan(
            type: type,
            uses: kind.writtenType,
            config: config,
            flags: kind.flags,
            canBeAsked: kind.canBeAsked,
            plugin: plugin
        )
    }

    var descriptor: ExecutorDescriptor {
        var policy = sidecar.policy
        if policy.timeout == nil, let hint = kind.timeoutHint, hint <= Limits.timeout.upperBound / 1000 {
            policy.timeout = max(hint * 1000, Limits.timeout.lowerBound)
        }
        var descriptor = ExecutorDescriptor(
            type: type,
            targetPrefixes: kind.targetPrefixes,
            plugin: plugin,
            concurrency: concurrency ?? kind.concurrencyHint.map { Int32(clamping: min($0, Int64(Limits.slots.upperBound))) },
            pluginConcurrency: sidecar.concurrency,
            policy: policy
        )
        if isolation == .inProcess && !kind.isConcurrent { descriptor.concurrency = 1 }
        descriptor.maxTimeout = sidecar.maxTimeout
        descriptor.maxRetriesCap = sidecar.maxRetries
        descriptor.isIdempotent = kind.isIdempotent
        descriptor.parametersSchema = parametersSchema
        return descriptor
    }

    /// How the pool of its workers behaves.
    func settings(_ base: WorkerPoolSettings) -> WorkerPoolSettings {
        var settings = base
        settings.attemptsPerWorker = attemptsPerWorker
        settings.endsAfterAttempt = isolation == .oneShot
        settings.recycle = sidecar.recycle
        settings.heartbeatTime = sidecar.heartbeatTimeout
        settings.canCheck = kind.canBeChecked
        settings.promisesCancel = kind.isCancellable
        if isTrigger {
            // It never ends by itself, and a source may be silent for long.
            settings.recycle = RecycleLimits()
            settings.heartbeatTime = nil
        }
        if let idle = sidecar.idleTimeout { settings.idleTime = idle }
        if let slots = descriptor.concurrency ?? sidecar.concurrency {
            settings.maxWorkers = max(1, (Int(slots) + attemptsPerWorker - 1) / attemptsPerWorker)
        }
        return settings
    }
}
