import SpindleCore

/// Looks at what workers take, on one thread of its own: the loop must not wait for `/proc`.
final class WorkerMeter: Sendable {
    private let threads = ThreadPool(name: "spindle-meter", limit: 1)

    /// Measures soon and calls back on the meter's thread. Any thread; never blocks.
    func measure(_ root: Int32, _ reply: @escaping @Sendable (WorkerUsage) -> Void) {
        threads.submit { reply(WorkerUsage(root: root)) }
    }

    /// Finds every process below one, and calls back likewise.
    func descendants(of root: Int32, _ reply: @escaping @Sendable ([Int32]) -> Void) {
        threads.submit { reply(WorkerUsage.descendants(of: root)) }
    }

    /// Looks at what a process has loaded, and calls back likewise.
    func modules(of pid: Int32, _ reply: @escaping @Sendable (ModuleMap) -> Void) {
        threads.submit { reply(ModuleMap(pid: pid)) }
    }
}
