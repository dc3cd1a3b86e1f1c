import Glibc
import SpindleCore
import SpindleWire

/// What a call costs on each step between the host and a plugin's `execute`, each measured by itself: for `spindle bench`.
package struct CallCosts: Sendable {
    /// Nanoseconds from writing a start frame to having read the attempt's release, host and worker on one CPU; sorted.
    package let workerRoundTrips: [Int64]
    /// The same with a worker in a sandbox; nil if this machine has none.
    package let sandboxRoundTrips: [Int64]?
    /// Nanoseconds from the decision to start a worker until it can take attempts; sorted.
    package let workerStarts: [Int64]
    /// The same in a sandbox; nil if this machine has none.
    package let sandboxStarts: [Int64]?
    /// Nanoseconds of a whole call in this process on the thread that runs it: accept, `execute`, complete, release.
    package let wrapper: Double
    /// Nanoseconds from giving a job to a thread of the pool until it runs there, both on one CPU; sorted.
    package let handOffs: [Int64]

    /// Measures with an executor of a plugin file that succeeds at once. Takes a few seconds.
    ///
    /// - Parameters:
    ///   - file: A shared library that is trusted: it is loaded into this process, and stays.
    ///   - type: One of its executor types.
    ///   - calls: How many of each; 1,000 or more.
    ///   - configuration: Where the worker program is.
    /// - Throws: ``SpindleError`` if the plugin cannot be loaded or does not answer.
    package static func measure(
        file: String,
        type: String,
        calls: Int,
        configuration: PluginHostConfiguration
    ) async throws -> CallCosts {
        let number = open(file, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { throw SpindleError(.notFound, "\(file) cannot be opened: \(SystemCall.lastError).") }
        let opened = Descriptor(number)
        var status = stat()
        guard fstat(number, &status) == 0 else { throw SpindleError(.notFound, "\(file) cannot be read.") }
        let size = Int(status.st_size)
        let binary = try WorkerBinary(configured: configuration.workerPath)
        // A thread of its own: it is bound to a processor, and it blocks.
        return try await Blocking.run {
            let image = try SealedImage(copying: opened, size: size, digest: nil)
            let before = try WrapperCost(image: image, type: type)
            let wrapper = before.measure(calls: calls * 20)
            let support = SandboxSupport(binary: binary)
            let sandbox = support.standard()
            let starts = try StartCost.measure(binary: binary, image: image, type: type, sandbox: sandbox)
            Processor.bindThisThread()
            func roundTrips(_ isolation: WorkerIsolation?) throws -> [Int64] {
                try WorkerRoundTrip(binary: binary, image: image, type: type, isolation: isolation).measure(calls: calls)
            }
            return CallCosts(
                workerRoundTrips: try roundTrips(nil),
                sandboxRoundTrips: try sandbox.map { try roundTrips($0) },
                workerStarts: starts.plain,
                sandboxStarts: sandbox.map { _ in starts.sandboxed },
                wrapper: wrapper,
                handOffs: HandOffCost.measure(calls: calls)
            )
        }
    }
}

/// Processors.
enum Processor {
    /// Has the calling thread, and what it starts from now on, run on one processor only: the first that it may use.
    static func bindThisThread() {
        // If the system does not allow it, what is measured is the price of two.
        _ = sps_bind_thread()
    }
}

/// What a request for no work needs: the message, in memory that stays while this lives.
final class EmptyRequest {
    private let writer = FrameWriter()
    let message: spw_start

    init(type: String, instance: UInt64) {
        let key = AttemptKey(ExecutionID(UUIDv7(high: 7 << 12, low: 1 << 63)), 1)
        let request = AttemptRequest(
            key: key,
            jobID: JobID(key.execution.uuid),
            executorType: type,
            target: "noop",
            payload: Payload([UInt8](repeating: 0x61, count: 256), contentType: "text/plain")
        )
        message = StartMessage.make(
            request,
            instance: instance,
            deadline: .max / 1000,
            now: 0,
            wallMilliseconds: 0,
            writer: writer
        )
    }
}
