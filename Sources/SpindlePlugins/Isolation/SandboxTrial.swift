import Glibc
import SpindleCore
import SpindleWire

/// Tries layers in a worker that loads nothing: started as all workers are, with what they are given.
enum SandboxTrial {
    /// How it went.
    enum Outcome: Hashable, Sendable {
        /// All layers are there; what the worker says of itself.
        case given(String)
        /// Why not.
        case refused(String)

        /// Whether the next trial will say the same: what is not for want of descriptors, memory, processes or time.
        var isLasting: Bool {
            guard case .refused(let reason) = self else { return true }
            let passing = [EMFILE, ENFILE, EAGAIN, ENOMEM, ENOSPC, EEXIST, EBUSY].map { SystemCall.text($0) }
            return !reason.hasPrefix(Self.unanswered) && !passing.contains { reason.contains($0) }
        }

        fileprivate static let unanswered = "it ended without an answer"
    }

    /// Blocks as long as a start takes.
    static func run(_ binary: WorkerBinary, _ isolation: WorkerIsolation) -> Outcome {
        var isolation = isolation
        isolation.layers.insert(.trial)
        let number = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return .refused("/dev/null: \(SystemCall.lastError)") }
        let null = Descriptor(number)
        let setup: SandboxSetup
        do throws(SpindleError) { setup = try isolation.setup() } catch { return .refused(error.message) }
        switch Spawner.spawnHere(binary, plugin: null, setup: setup) {
        case .failure(let error): return .refused(error.message)
        case .success(let process):
            let outcome = answer(of: process)
            // What has not answered is ended; the end of the process is waited for in any case.
            if outcome == nil { kill(process.pid, SIGKILL) }
            var status: Int32 = 0
            while waitpid(process.pid, &status, 0) < 0 && errno == EINTR {}
            return outcome ?? .refused("\(Outcome.unanswered) (status \(status))")
        }
    }

    private static func answer(of process: WorkerProcess) -> Outcome? {
        let reader = FrameReader()
        var outcome: Outcome?
        while outcome == nil {
            var poll = pollfd(fd: process.runner.number, events: Int16(POLLIN), revents: 0)
            guard Glibc.poll(&poll, 1, 30_000) > 0 else { return nil }
            let end = reader.read(process.runner.number) { frame in
                guard frame.type == FrameType.failed.rawValue, let message = reader.decode(frame, spw_failed()) else {
                    return false
                }
                let text = message.message.text
                outcome = message.code.text == "spindle.tried" ? .given(text) : .refused(text)
                return true
            }
            if end != .drained { break }
        }
        return outcome
    }
}
