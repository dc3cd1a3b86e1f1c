import Glibc
import SpindleCore
import SpindleWire

/// What a connection tells its pool; on the loop's thread.
protocol WorkerConnectionDelegate: AnyObject {
    /// A whole frame from the runner.
    ///
    /// - Returns: False if it is not one that the protocol allows here.
    func received(_ frame: borrowing spw_frame, from worker: WorkerID, reader: FrameReader) -> Bool
    /// The runner is dead and all it sent was received.
    func died(_ worker: WorkerID, _ death: WorkerDeath)
    /// Init is gone too and reaped: nothing is left of the worker.
    func vanished(_ worker: WorkerID)
}

/// The sockets of one worker. On the loop's thread only.
final class WorkerConnection: @unchecked Sendable {
    // Sendable: all of it is touched on the loop's thread only; others hold it just to post it back there.
    /// Frames to the runner.
    let queue = FrameQueue()
    /// Credit that was used and must be given back.
    var logBytes: UInt64 = 0
    var artefactBytes: UInt64 = 0
    /// Frames of artefacts that nobody has taken care of.
    var unwritten: UInt64 = 0

    /// The process of init.
    var pid: Int32 { process.pid }

    /// An init that outlives its runner by so many microseconds is killed.
    private static let lastOrders: Int64 = 10_000_000
    /// What is read of a dead runner, in bytes: more than its socket holds, unless somebody else writes there on and on.
    private static let lastWords = 4 * 1024 * 1024

    private let id: WorkerID
    private let process: WorkerProcess
    private let loop: HostLoop
    private let meter: WorkerMeter
    private weak var delegate: (any WorkerConnectionDelegate)?
    private let orders = FrameQueue()
    private let reader = FrameReader()
    private let controlReader = FrameReader()
    private var runnerSource: UInt64?
    private var controlSource: UInt64?
    private var isWaitingToWrite = false
    private var isFlushPlanned = false
    private var waitStatus: Int32?
    /// The process of the runner, as init sees it; nil until init has said so.
    private(set) var runner: Int32?
    private var isReady = false
    private var protocolError: String?
    private var hasDied = false
    private var hasEnded = false

    init(
        _ id: WorkerID,
        _ process: WorkerProcess,
        loop: HostLoop,
        meter: WorkerMeter,
        delegate: any WorkerConnectionDelegate
    ) {
        self.id = id
        self.process = process
        self.loop = loop
        self.meter = meter
        self.delegate = delegate
    }

    /// Begins to listen.
    ///
    /// - Returns: False if the system has no room for it.
    func open() -> Bool {
        runnerSource = loop.watch(process.runner.number) { [self] in runnerReady($0) }
        controlSource = loop.watch(process.control.number) { [self] _ in controlReady() }
        return runnerSource != nil && controlSource != nil
    }

    /// Sends what was queued at the end of the loop's turn.
    func flushLater() {
        guard !isFlushPlanned else { return }
        isFlushPlanned = true
        loop.flushLater { [self] in
            isFlushPlanned = false
            flush()
        }
    }

    /// Has init send a signal to everything in the worker.
    func signal(_ number: Int32) {
        guard controlSource != nil else { return }
        _ = orders.add(.kill, 0, spw_kill(signal: UInt32(number)))
        // A few bytes into an empty socket; if init does not read them, it is killed itself.
        _ = orders.send(to: process.control.number)
    }

    /// Kills init itself, whose end takes the runner with it.
    func killInit() {
        guard controlSource != nil else { return }
        // What the plugin started would outlive an init that cannot end it any more. It may have started much: the loop does not wait.
        meter.descendants(of: process.pid) { [self] pids in
            loop.post { [self] in
                // Once init is reaped, its number and theirs may be those of others.
                guard !hasEnded else { return }
                for pid in pids { kill(pid, SIGKILL) }
                kill(process.pid, SIGKILL)
            }
        }
    }

    /// Notes that the runner is ready.
    ///
    /// - Returns: False if it was before.
    func becomesReady() -> Bool {
        defer { isReady = true }
        return !isReady
    }

    /// Ends everything without waiting for news: the loop could not listen.
    func giveUp() {
        guard controlSource == nil else { return killInit() }
        kill(process.pid, SIGKILL)
        closeRunner()
        reap()
        die()
    }

    private func flush() {
        guard let source = runnerSource, !queue.isEmpty || isWaitingToWrite else { return }
        let sent = queue.send(to: process.runner.number)
        // A closed socket shows when reading, after what the worker still had to say.
        let mustWait = sent == .full
        if mustWait != isWaitingToWrite {
            isWaitingToWrite = mustWait
            loop.rewatch(process.runner.number, source, writing: mustWait)
        }
    }

    private func runnerReady(_ events: UInt32) {
        if events & UInt32(SPS_WRITE) != 0 { flush() }
        if events & ~UInt32(SPS_WRITE) != 0 { readRunner() }
    }

    private func readRunner() {
        guard runnerSource != nil else { return }
        let state = reader.read(process.runner.number, atMost: hasDied ? Self.lastWords : FrameReader.turn) { frame in
            delegate?.received(frame, from: id, reader: reader) ?? false
        }
        if state == .drained || state == .more { return }
        closeRunner()
        if controlSource == nil && !hasEnded { return end() }
        if state == .broken { protocolError = "it sent bytes that are not the protocol" }
        if waitStatus == nil {
            // The socket is gone but the process may not be: a plugin can close any descriptor.
            signal(SIGKILL)
            let number = id
            loop.schedule(at: loop.now + 2_000_000) { [weak self] in
                if self?.id == number { self?.killInit() }
            }
        }
    }

    private func closeRunner() {
        guard let source = runnerSource else { return }
        loop.unwatch(process.runner.number, source)
        runnerSource = nil
    }

    private func controlReady() {
        guard let source = controlSource else { return }
        let end = controlReader.read(process.control.number) { frame in controlFrame(frame) }
        if end == .drained || end == .more { return }
        loop.unwatch(process.control.number, source)
        controlSource = nil
        // Init has ended or is ending; it must not stay, whatever it did to its socket.
        kill(process.pid, SIGKILL)
        if waitStatus != nil || runnerSource == nil { return self.end() }
        // Nobody has seen the runner end, which init's end kills: its slots come back when it is dead, not moments before. What the plugin
        // forked may hold its socket: that is not waited for.
        loop.schedule(at: loop.now + 2_000_000) { [self] in self.end() }
    }

    /// Nothing of the worker is left, as far as can be known.
    private func end() {
        guard !hasEnded else { return }
        hasEnded = true
        reap()
        die()
    }

    private func controlFrame(_ frame: borrowing spw_frame) -> Bool {
        switch FrameType(rawValue: frame.type) {
        case .spawned:
            guard runner == nil, let message = controlReader.decode(frame, spw_spawned()) else { return false }
            runner = Int32(truncatingIfNeeded: message.pid)
            return true
        case .exited:
            guard let message = controlReader.decode(frame, spw_exited()) else { return false }
            if message.is_runner != 0 {
                waitStatus = Int32(bitPattern: message.wait_status)
                die()
                // It has nothing left to do but to end what the plugin started.
                loop.schedule(at: loop.now + Self.lastOrders) { [weak self] in self?.killInit() }
            }
            return true
        default: return false
        }
    }

    /// The runner has ended: takes what it sent last, then says so.
    private func die() {
        guard !hasDied else { return }
        hasDied = true
        readRunner()
        closeRunner()
        var death = WorkerDeath()
        death.waitStatus = waitStatus
        death.protocolError = protocolError
        death.crash = CrashReport(process.page)
        (death.suspects, death.isIncomplete) = Self.suspects(process.page)
        delegate?.died(id, death)
    }

    private static func suspects(_ page: UnsafeMutablePointer<spw_page>) -> ([UInt64], Bool) {
        let capacity = Int(SPW_PAGE_THREADS)
        let tokens = [UInt64](unsafeUninitializedCapacity: capacity) { buffer, count in
            count = min(spw_page_suspects(page, buffer.baseAddress, capacity), capacity)
        }
        return (tokens, page.pointee.overflow != 0)
    }

    private func reap() {
        var status: Int32 = 0
        if waitpid(process.pid, &status, WNOHANG) == 0 {
            loop.schedule(at: loop.now + 2_000) { [self] in reap() }
        } else {
            delegate?.vanished(id)
        }
    }
}

extension CrashReport {
    /// What stands in the page; nil if no handler ran. The worker may have written anything there.
    init?(_ page: UnsafeMutablePointer<spw_page>) {
        let crash = page.pointee.crash
        guard crash.signal != 0, crash.signal < 128 else { return nil }
        signal = Int32(crash.signal)
        token = crash.token
        faultAddress = crash.fault_address
        instruction = crash.instruction
        loadBase = crash.load_base
        let count = min(Int(crash.frame_count), Int(SPW_PAGE_FRAMES))
        frames = withUnsafeBytes(of: crash.frames) { Array($0.bindMemory(to: UInt64.self).prefix(count)) }
    }
}
