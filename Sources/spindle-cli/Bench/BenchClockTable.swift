import SpindleCore
import Synchronization

/// When each execution of a run was submitted, by a number hidden in its id: no dictionary on the road that is measured.
///
/// @unchecked Sendable: each entry is written before its execution is submitted and read after it has started; the store and its locks
/// lie between.
final class BenchClockTable: @unchecked Sendable {
    private static let bits = 20
    private let times: UnsafeMutablePointer<Int64>
    private let next = Atomic<Int>(0)
    private let samples = Mutex<[Int64]>([])

    init() {
        times = .allocate(capacity: 1 << Self.bits)
        times.initialize(repeating: 0, count: 1 << Self.bits)
    }

    deinit { times.deallocate() }

    /// An id for an execution that is submitted now.
    func id(now: Int64, wall: Timestamp) -> ExecutionID {
        let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
        times[number & (1 << Self.bits - 1)] = now
        return ExecutionID(UUIDv7(milliseconds: wall.milliseconds, random: (UInt64(number) >> 50, UInt64(number))))
    }

    /// These attempts start now.
    func started(_ attempts: [AttemptRequest], now: Int64) {
        samples.withLock { samples in
            for request in attempts where request.key.attempt == 1 {
                let number = Int(truncatingIfNeeded: request.key.execution.uuid.low & (1 << UInt64(Self.bits) - 1))
                samples.append(now - times[number])
            }
        }
    }

    /// All samples, sorted.
    var sorted: [Int64] { samples.withLock { $0.sorted() } }
}
