import Glibc
import SpindleCore
import SpindleWire

/// A worker that was just started: the host's ends of its sockets, and the page shared with it.
final class WorkerProcess: @unchecked Sendable {
    // Sendable: constants; what the page holds is written by the worker and copied out by one thread of the host.
    /// The init process, a child of the host.
    let pid: pid_t
    /// The socket to init.
    let control: Descriptor
    /// The socket to the runner.
    let runner: Descriptor
    /// Shared memory that tells who was at work.
    let page: UnsafeMutablePointer<spw_page>
    /// Control groups that the worker removes when it ends; if it is killed from outside, we do.
    private let groups: [String]

    init(
        pid: pid_t,
        control: Descriptor,
        runner: Descriptor,
        page: UnsafeMutablePointer<spw_page>,
        groups: [String] = []
    ) {
        self.pid = pid
        self.control = control
        self.runner = runner
        self.page = page
        self.groups = groups
    }

    deinit {
        spw_page_unmap(page)
        ControlGroups.remove(groups)
    }
}
