public import SpindleCore

/// The executors of an engine, which may come and go while it runs.
extension JobExecutionEngine: ExecutorRegistry {
    /// Adds an executor, or replaces the one of its type for new attempts.
    public func register(_ executor: any JobExecutor) {
        _ = serve(executor as? any BatchExecutor ?? TaskPerAttemptExecutor(executor, threads: threads, clock: clock))
    }

    public func serve(_ executor: any BatchExecutor) -> ExecutorRegistration {
        router.register(executor)
        executor.report { [weak self] events in
            guard let self else { return }
            intake.take(events, for: self)
        }
        newExecutorsContinuation.yield(executor)
        return dispatcher.serve(executor)
    }

    public func registration(ofType type: String) -> ExecutorRegistration? { dispatcher.registration(ofType: type) }

    public func restore(_ registration: ExecutorRegistration) {
        guard let executor = dispatcher.executor(registration) else { return }
        router.register(executor)
        dispatcher.restore(registration)
    }

    public func withdraw(_ registration: ExecutorRegistration) {
        guard let executor = dispatcher.executor(registration), dispatcher.isServing(registration) else { return }
        router.remove(type: executor.descriptor.type)
        dispatcher.update { machine, _, _ in machine.withdraw(type: registration.type) }
    }

    public func waitUntilCarriedOut() async { await dispatcher.waitUntilCarriedOut() }

    public func forget(_ registration: ExecutorRegistration) {
        if !dispatcher.isServing(registration) { dispatcher.forget(registration) }
    }

    /// What the executors say about themselves.
    public var executors: [ExecutorDescriptor] { router.descriptors }
}
