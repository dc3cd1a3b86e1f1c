package import SpindleCore
import Synchronization

extension AlarmClock {
    /// Waits until a moment of this clock; returns early if the task is cancelled.
    package func sleep(until monotonic: Int64) async {
        let gate = Gate()
        schedule(at: monotonic) { gate.open() }
        await withTaskCancellationHandler {
            await gate.wait()
        } onCancel: {
            gate.open()
        }
    }

    /// Waits so many microseconds of this clock; returns early if the task is cancelled.
    package func sleep(microseconds: Int64) async {
        await sleep(until: monotonic.saturatingAdd(microseconds))
    }
}

/// Something that happens once, and those who wait for it.
package final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// Closed.
    package init() {}

    /// Whether it happened.
    package var isOpen: Bool { state.withLock { $0.isOpen } }

    /// Lets everyone through, now and later.
    package func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Waits until it happened, whatever becomes of the task.
    package func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}

/// Wakes one loop; several wakes before it looks are one.
final class WakeUp: Sendable {
    let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    func wake() { continuation.yield() }
    func finish() { continuation.finish() }
}
