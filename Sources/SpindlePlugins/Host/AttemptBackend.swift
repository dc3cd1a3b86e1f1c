import SpindleCore

/// A level of isolation, as its executor sees it. Any thread; nothing blocks.
protocol AttemptBackend: AnyObject, Sendable {
    func start(_ attempts: [AttemptRequest], now: Int64)
    func cancel(_ key: AttemptKey, reason: CancelReason, grace: Int64)
    func canExecute(_ job: Job, _ reply: @escaping @Sendable (Bool) -> Void)
    /// Asks the plugin's `check`, in a worker that is started for it if there is none.
    func check(_ reply: @escaping @Sendable (ExecutorReport.Readiness) -> Void)
    /// How it does; nil if there is nothing to tell.
    func report(_ reply: @escaping @Sendable (ExecutorReport?) -> Void)
    /// Why it takes no new work until the host is restarted; nil if it does.
    var restartReason: String? { get }
    /// Makes ready what a first attempt needs; says why that failed, or nil.
    func warmUp(_ reply: @escaping @Sendable (String?) -> Void)
    /// Calls back once no attempt is open and no code of one runs.
    func whenDrained(_ done: @escaping @Sendable () -> Void)
    /// Ends all; calls back when nothing is left. May be called again.
    func stop(_ done: @escaping @Sendable () -> Void)
}

extension AttemptBackend {
    // In the host itself there is no process to tell of.
    func check(_ reply: @escaping @Sendable (ExecutorReport.Readiness) -> Void) { reply(.unknown) }
    func report(_ reply: @escaping @Sendable (ExecutorReport?) -> Void) { reply(nil) }
}
