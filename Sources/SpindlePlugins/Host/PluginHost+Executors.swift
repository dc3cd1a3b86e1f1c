import SpindleCore

/// How plans become what runs them.
extension PluginHost {
    /// Executors of a file outside of the directory.
    func makeExecutors(_ plans: [ExecutorPlan], _ file: PluginFile) async throws -> [PluginExecutor] {
        let users = await users([file.name])
        return try await Blocking.run { try self.makeExecutors(plans, file, user: users[file.name]).executors }
    }

    /// Loading a plugin into the host may block.
    func makeExecutors(
        _ plans: [ExecutorPlan],
        _ file: PluginFile,
        user: UInt32?
    ) throws -> (executors: [PluginExecutor], triggers: [PluginTrigger]) {
        var session: InProcessSession?
        if plans.contains(where: { $0.isolation == .inProcess }) {
            session = try InProcessSession(image: file.image, loop: services.loop, hostVersion: services.hostVersion)
        }
        let supervisor = PluginSupervisor(
            plugin: file.name,
            digest: file.image.digest,
            settings: configuration.breaker,
            kept: quarantines,
            services: services
        )
        var executors: [PluginExecutor] = []
        var triggers: [PluginTrigger] = []
        for (index, plan) in plans.enumerated() {
            let door = plan.door
            let granted = Set(plan.sidecar.secrets)
            let executor = ExecutorSecrets(
                source: configuration.secrets,
                granted: granted,
                plugin: plan.plugin,
                isRedacting: configuration.isRedacting
            )
            let sink = EventSink(secrets: granted.isEmpty ? nil : executor)
            let settings = plan.settings(configuration.pool)
            let secrets = InstanceSecrets(executor)
            var instance = plan.instance
            instance.door = door
            instance.secrets = granted.isEmpty ? nil : secrets
            let names = plan.secretNames
            let backend: any AttemptBackend
            var remake: (@Sendable (InstanceSecrets) -> any AttemptBackend)?
            if let session {
                do throws(SecretFailure) { secrets.instance = try executor.resolve(names) } catch {
                    throw PluginRefusal(SpindleError(.plugin, error.message))
                }
                backend = try InProcessPool(
                    plan: instance,
                    number: UInt64(index + 1),
                    session: session,
                    settings: settings,
                    services: services,
                    sink: sink
                )
            } else {
                instance.isolation = try services.sandbox.isolation(for: plan, user: user, libraries: file.libraries)
                let make: @Sendable (InstanceSecrets) -> WorkerPool = { [instance, services] secrets in
                    var instance = instance
                    if instance.secrets != nil { instance.secrets = secrets }
                    return WorkerPool(
                        plan: instance,
                        image: file.image,
                        settings: settings,
                        services: services,
                        supervisor: supervisor,
                        sink: sink
                    )
                }
                backend = make(secrets)
                remake = make
            }
            let guarded = SecretBackend(
                executor,
                names: names,
                sink: sink,
                first: SecretBackend.Generation(backend: backend, secrets: secrets),
                remake: remake
            )
            let made = PluginExecutor(
                descriptor: plan.descriptor,
                isolation: plan.isolation,
                backend: guarded,
                sink: sink,
                supervisor: session == nil ? supervisor : nil,
                grace: configuration.pool.stopGrace
            )
            if let door {
                triggers.append(PluginTrigger(plan: plan, executor: made, door: door, services: services))
            } else {
                executors.append(made)
            }
        }
        return (executors, triggers)
    }
}
