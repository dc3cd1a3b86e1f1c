/// Names an executor that was registered, for taking it out again.
public struct ExecutorRegistration: Hashable, Sendable {
    /// The number of its type, as the registry counts.
    package let type: Int
    /// Unique within the registry.
    package let number: UInt64

    package init(type: Int, number: UInt64) {
        self.type = type
        self.number = number
    }
}

/// Where executors come and go while work goes on: the engine, as a host of plugins sees it.
public protocol ExecutorRegistry: Sendable {
    /// The executor that serves a type; nil if none does.
    func registration(ofType type: String) -> ExecutorRegistration?

    /// Adds an executor, or replaces the one of its type for new attempts.
    ///
    /// One that is replaced ends the attempts that it has; ``waitUntilCarriedOut()`` says when it gets no more.
    ///
    /// - Returns: What names it in the other calls.
    func serve(_ executor: any BatchExecutor) -> ExecutorRegistration

    /// Has an executor that was replaced, or withdrawn, and not forgotten take the new attempts of its type again.
    func restore(_ registration: ExecutorRegistration)

    /// Stops serving a type, if this executor serves it: new submissions of it are refused; executions that are queued stay so until
    /// the type is served again.
    func withdraw(_ registration: ExecutorRegistration)

    /// Waits until no new attempt can reach executors that were replaced or withdrawn before.
    func waitUntilCarriedOut() async

    /// Lets go of an executor that was replaced or withdrawn and whose attempts have all ended.
    func forget(_ registration: ExecutorRegistration)
}
