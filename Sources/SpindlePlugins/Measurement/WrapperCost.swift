import Glibc
import SpindleCore
import SpindleWire
import Synchronization

/// A plugin loaded here, with nobody listening: what the ABI itself costs.
final class WrapperCost: Sendable {
    private static let instance: UInt64 = 1
    private let session: Session
    private let type: String

    /// The session of the plugin; it stays open as long as the process.
    private final class Session: @unchecked Sendable {
        // Sendable: set once; the functions of a session may be called from any thread.
        let pointer: OpaquePointer
        init(_ pointer: OpaquePointer) { self.pointer = pointer }
    }

    init(image: SealedImage, type: String) throws {
        var output = spw_output(
            context: nil,
            completed: { _, _, _ in },
            released: { _, _, _, _ in },
            log: { _, _, _, _ in 0 },
            progress: { _, _, _ in },
            heartbeat: { _, _ in },
            checkpoint: { _, _, _ in },
            artefact: { _, _, _ in 0 },
            submit: nil,
            gathered: nil
        )
        var message = [CChar](repeating: 0, count: 1024)
        guard let opened = spw_session_open(try image.pathToLoad(), &output, nil, &message, message.count) else {
            throw SpindleError(.plugin, "The plugin cannot be loaded here.")
        }
        session = Session(opened)
        self.type = type
        let writer = FrameWriter()
        var create = spw_create()
        create.uses = writer.bytes(type)
        create.type = writer.bytes(type)
        create.config = writer.bytes("{}")
        var answer = spw_answer()
        var arena = spw_arena()
        defer { spw_arena_free(&arena) }
        spw_session_init(opened, "", &answer, &arena)
        if answer.status >= 0 { spw_session_create(opened, Self.instance, &create, &answer, &arena) }
        guard answer.status >= 0 else { throw SpindleError(.plugin, "The plugin makes no instance of \(type).") }
    }

    /// The mean of so many calls, in nanoseconds.
    func measure(calls: Int) -> Double {
        let request = EmptyRequest(type: type, instance: Self.instance)
        var message = request.message
        return withExtendedLifetime(request) {
            let began = Nanoseconds.now
            for token in 1...UInt64(calls) {
                spw_session_run(session.pointer, spw_session_accept(session.pointer, token, &message))
            }
            return Double(Nanoseconds.now - began) / Double(calls)
        }
    }
}

/// A thread of the pool that waits for a job, and gets one.
enum HandOffCost {
    /// Sorted nanoseconds.
    static func measure(calls: Int) -> [Int64] {
        let pool = ThreadPool(name: "bench", limit: 1)
        let done = Signal()
        let arrived = Atomic<Int64>(0)
        var times: [Int64] = []
        for _ in 0..<calls {
            let began = Nanoseconds.now
            pool.submit {
                arrived.store(Nanoseconds.now, ordering: .relaxed)
                done.raise()
            }
            done.wait()
            times.append(arrived.load(ordering: .relaxed) - began)
        }
        return times.sorted()
    }
}

/// The monotonic clock in its own unit.
enum Nanoseconds {
    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
