import Glibc
import SpindleCore
import SpindleWire

/// One worker, and one attempt after the other in it: the frames, the two system calls each way, and the plugin's call.
final class WorkerRoundTrip {
    private static let instance: UInt64 = 1
    private let process: WorkerProcess
    private let reader = FrameReader()
    private let queue = FrameQueue()
    private let type: String

    /// Starts a worker from the calling thread, on whose processor it stays, and waits until it can take attempts; it ends with that
    /// thread.
    ///
    /// - Parameter isolation: What surrounds it; nil is nothing.
    init(binary: WorkerBinary, image: SealedImage, type: String, isolation: WorkerIsolation? = nil) throws {
        self.type = type
        process = try Spawner.spawnHere(binary, plugin: image.descriptor, setup: try isolation?.setup()).get()
        let writer = FrameWriter()
        var hello = spw_hello()
        hello.build_id = writer.bytes(String(cString: spw_build_id()))
        hello.digest = writer.bytes(image.digest)
        hello.threads = 1
        hello.log_level = 6
        var create = spw_create()
        create.uses = writer.bytes(type)
        create.type = writer.bytes(type)
        create.config = writer.bytes("{}")
        create.concurrency = 1
        guard queue.add(.hello, 0, hello), queue.add(.create, Self.instance, create) else {
            throw SpindleError(.internal, "The worker cannot be greeted.")
        }
        _ = queue.send(to: process.runner.number)
        try receive(.created)
    }

    deinit {
        kill(process.pid, SIGKILL)
        var status: Int32 = 0
        while waitpid(process.pid, &status, 0) < 0 && errno == EINTR {}
    }

    /// Sorted nanoseconds.
    func measure(calls: Int) throws -> [Int64] {
        let request = EmptyRequest(type: type, instance: Self.instance)
        var times: [Int64] = []
        times.reserveCapacity(calls)
        for token in 1...UInt64(calls) {
            let began = Nanoseconds.now
            guard queue.add(.start, token, request.message) else {
                throw SpindleError(.internal, "The measuring request does not fit.")
            }
            _ = queue.send(to: process.runner.number)
            try receive(.released)
            times.append(Nanoseconds.now - began)
        }
        return times.sorted()
    }

    private func receive(_ wanted: FrameType) throws {
        var isThere = false
        while !isThere {
            var poll = pollfd(fd: process.runner.number, events: Int16(POLLIN), revents: 0)
            _ = Glibc.poll(&poll, 1, 10_000)
            let end = reader.read(process.runner.number) { frame in
                if frame.type == wanted.rawValue { isThere = true }
                return frame.type != FrameType.failed.rawValue
            }
            guard end == .drained, poll.revents != 0 else {
                throw SpindleError(.plugin, "The worker for the measurement does not answer.")
            }
        }
    }
}
