import Glibc
import SpindleCore
import SpindleWire
import Synchronization

/// Starts workers on one thread that lives as long as the host.
///
/// The host never forks; `posix_spawn` from here is the only way in which a process is made.
final class Spawner: Sendable {
    /// The host's own descriptors that a start needs lie from here on, out of the way of the worker's.
    static let leastDescriptor: Int32 = 64

    private struct Queue {
        var jobs: [@Sendable () -> Void] = []
        var isStopped = false
    }

    private let binary: WorkerBinary
    private let queue = Mutex(Queue())
    private let work = Signal()

    /// Starts the thread.
    init(binary: WorkerBinary) throws(SpindleError) {
        self.binary = binary
        try OSThread.start("spindle-spawner") { self.run() }
    }

    /// Starts a worker soon and calls back on another thread. Any thread; never blocks.
    func spawn(
        plugin: Descriptor,
        isolation: WorkerIsolation? = nil,
        _ reply: @escaping @Sendable (Result<WorkerProcess, SpindleError>) -> Void
    ) {
        guard let isolation, isolation.hasNames else { return enqueue(plugin, isolation, setup: nil, reply) }
        do throws(SpindleError) {
            // A slow name server must not keep others from starting.
            try OSThread.start("spindle-names") {
                do throws(SpindleError) {
                    self.enqueue(plugin, isolation, setup: try isolation.setup(), reply)
                } catch {
                    reply(.failure(error))
                }
            }
        } catch {
            reply(.failure(error))
        }
    }

    private func enqueue(
        _ plugin: Descriptor,
        _ isolation: WorkerIsolation?,
        setup: SandboxSetup?,
        _ reply: @escaping @Sendable (Result<WorkerProcess, SpindleError>) -> Void
    ) {
        let taken = queue.withLock { queue in
            guard !queue.isStopped else { return false }
            queue.jobs.append { [binary] in
                do throws(SpindleError) {
                    var setup = setup
                    if setup == nil { setup = try isolation?.setup() }
                    reply(Self.spawnHere(binary, plugin: plugin, setup: setup))
                } catch {
                    reply(.failure(error))
                }
            }
            return true
        }
        if taken { work.raise() } else { reply(.failure(SpindleError(.draining, "The plugin host has stopped."))) }
    }

    /// Ends the thread after the starts asked for before.
    func stop() {
        queue.withLock { $0.isStopped = true }
        work.raise()
    }

    private func run() {
        while true {
            let (jobs, stopped) = queue.withLock { queue in
                defer { queue.jobs = [] }
                return (queue.jobs, queue.isStopped)
            }
            for job in jobs { job() }
            if jobs.isEmpty {
                if stopped { return }
                work.wait()
            }
        }
    }

    /// Starts a worker from the calling thread. Blocks for about as long as a `vfork`.
    ///
    /// - Parameter setup: What surrounds it; nil is nothing.
    static func spawnHere(
        _ binary: WorkerBinary,
        plugin: Descriptor,
        setup: SandboxSetup? = nil
    ) -> Result<WorkerProcess, SpindleError> {
        do throws(SpindleError) {
            let (control, controlThere) = try socketPair()
            let (runner, runnerThere) = try socketPair()
            var pageNumber: Int32 = -1
            guard let page = spw_page_create(&pageNumber) else {
                throw SpindleError(.internal, "No memory can be shared with a worker: \(SystemCall.lastError).")
            }
            let pageThere: Descriptor
            let pluginThere: Descriptor
            do throws(SpindleError) {
                pageThere = try Descriptor(pageNumber).duplicate(from: leastDescriptor)
                pluginThere = try plugin.duplicate(from: leastDescriptor)
            } catch {
                spw_page_unmap(page)
                throw error
            }
            let handed = [
                (controlThere, Int32(SPW_FD_CONTROL)), (runnerThere, Int32(SPW_FD_RUNNER)),
                (pluginThere, Int32(SPW_FD_PLUGIN)), (pageThere, Int32(SPW_FD_PAGE)),
            ]
            let (pid, status) = posixSpawn(binary, handed, isSandboxed: setup != nil)
            guard status == 0 else {
                spw_page_unmap(page)
                throw SpindleError(.internal, "\(binary.path) cannot be started: \(SystemCall.text(status)).")
            }
            let process = WorkerProcess(pid: pid, control: control, runner: runner, page: page, groups: setup?.directories ?? [])
            if let setup { try tell(process, setup) }
            return .success(process)
        } catch {
            return .failure(error)
        }
    }

    /// The first frame; the socket is empty and takes it as a whole.
    private static func tell(_ process: WorkerProcess, _ setup: SandboxSetup) throws(SpindleError) {
        let queue = FrameQueue()
        let writer = FrameWriter()
        let isTold = withExtendedLifetime(writer) {
            queue.add(.setup, 0, setup.message(writer)) && queue.send(to: process.control.number) == .all
        }
        guard !isTold else { return }
        kill(process.pid, SIGKILL)
        var status: Int32 = 0
        while waitpid(process.pid, &status, 0) < 0 && errno == EINTR {}
        throw SpindleError(.internal, "A worker cannot be told what is to surround it.")
    }

    private static func posixSpawn(
        _ binary: WorkerBinary,
        _ handed: [(Descriptor, Int32)],
        isSandboxed: Bool
    ) -> (pid: pid_t, status: Int32) {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        for (from, to) in handed { posix_spawn_file_actions_adddup2(&actions, from.number, to) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | 0x80  // POSIX_SPAWN_SETSID: no terminal
        posix_spawnattr_setflags(&attributes, Int16(flags))
        var pid: pid_t = 0
        let arguments: [UnsafeMutablePointer<CChar>?] =
            [strdup("spindle-worker")] + (isSandboxed ? [strdup("--sandbox")] : []) + [nil]
        let environment: [UnsafeMutablePointer<CChar>?] = [
            strdup("PATH=/usr/local/bin:/usr/bin:/bin"), strdup("LANG=C.UTF-8"), nil,
        ]
        defer { for text in arguments + environment { free(text) } }
        let path = "/proc/self/fd/\(binary.descriptor.number)"
        return withExtendedLifetime(handed) {
            let status = posix_spawn(&pid, path, &actions, &attributes, arguments, environment)
            return (pid, status)
        }
    }

    /// Ours, which does not block, and the worker's.
    private static func socketPair() throws(SpindleError) -> (Descriptor, Descriptor) {
        var ends: (Int32, Int32) = (-1, -1)
        let status = withUnsafeMutablePointer(to: &ends) { pointer in
            pointer.withMemoryRebound(to: Int32.self, capacity: 2) {
                socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, $0)
            }
        }
        guard status == 0 else {
            throw SpindleError(.internal, "No socket for a worker: \(SystemCall.lastError).")
        }
        let ours = Descriptor(ends.0)
        let theirs = Descriptor(ends.1)
        guard fcntl(ours.number, F_SETFL, O_NONBLOCK) == 0 else {
            throw SpindleError(.internal, "No socket for a worker: \(SystemCall.lastError).")
        }
        return (ours, try theirs.duplicate(from: leastDescriptor))
    }
}
