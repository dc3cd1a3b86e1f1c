import Glibc
import SpindleCore

/// Starts of workers, with a sandbox and without by turns: what else the machine does then meets both.
enum StartCost {
    private static let starts = 50

    /// Sorted nanoseconds.
    static func measure(
        binary: WorkerBinary,
        image: SealedImage,
        type: String,
        sandbox: WorkerIsolation?
    ) throws -> (plain: [Int64], sandboxed: [Int64]) {
        func start(_ isolation: WorkerIsolation?) throws -> Int64 {
            let began = Nanoseconds.now
            let worker = try WorkerRoundTrip(binary: binary, image: image, type: type, isolation: isolation)
            return withExtendedLifetime(worker) { Nanoseconds.now - began }
        }
        var plain: [Int64] = []
        var sandboxed: [Int64] = []
        for _ in 0..<starts {
            plain.append(try start(nil))
            if let sandbox { sandboxed.append(try start(sandbox)) }
        }
        return (plain.sorted(), sandboxed.sorted())
    }
}
