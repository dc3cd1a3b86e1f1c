import SpindleCore
import Synchronization

/// Takes what executors report on the thread that reports it: an end frees its slot, and starts what comes next, without a hand-over.
///
/// Only artefacts have to wait, for the disk. What comes behind one waits with it, so that no attempt is settled before its files are
/// there.
final class EventIntake: Sendable {
    private struct Queue {
        var waiting: [[AttemptEvent]] = []
        /// The loop is at work on what it took from `waiting`.
        var isBusy = false
    }

    private let queue = Mutex(Queue())
    private let wakeUp = WakeUp()

    /// Takes a batch. Any thread; never blocks.
    func take(_ events: [AttemptEvent], for engine: JobExecutionEngine) {
        let hasArtefact = events.contains { if case .artefact = $0 { true } else { false } }
        let mustWait = queue.withLock { queue in
            guard hasArtefact || queue.isBusy || !queue.waiting.isEmpty else { return false }
            queue.waiting.append(events)
            return true
        }
        if mustWait { wakeUp.wake() } else { handle(events, engine) }
    }

    /// Writes artefacts, and handles what waited behind them, until the task is cancelled.
    func takeArtefacts(for engine: JobExecutionEngine) async {
        for await _ in wakeUp.stream {
            while var batches = nextBatches() {
                // Each is let go of when it is written: what came with a receipt makes room for more of its kind.
                batches.reverse()
                while let events = batches.popLast() { await write(events, engine) }
            }
        }
    }

    private func write(_ events: [AttemptEvent], _ engine: JobExecutionEngine) async {
        for case .artefact(let key, let name, let chunk, let isLast) in events {
            await write(key, name, chunk.bytes, isLast: isLast, engine)
        }
        handle(events, engine)
    }

    private func nextBatches() -> [[AttemptEvent]]? {
        queue.withLock { queue in
            queue.isBusy = !queue.waiting.isEmpty
            defer { queue.waiting = [] }
            return queue.isBusy ? queue.waiting : nil
        }
    }

    private func handle(_ events: [AttemptEvent], _ engine: JobExecutionEngine) {
        var concernsDispatcher = false
        for event in events {
            switch event {
            case .finished, .codeEnded, .abandoned:
                concernsDispatcher = true
            case .log(let key, let line):
                engine.logs.append(key, line)
            case .progress(let key, let fraction, let note):
                engine.progressBoard.report(key, Progress(fraction: fraction, note: note))
            case .checkpoint(let key, let bytes):
                engine.sideWrites.withLock { $0.append(.checkpoint(key, epoch: engine.lease.epoch, bytes)) }
                engine.dispatcher.settles.wake()
            case .artefact:
                break
            }
        }
        guard concernsDispatcher else { return }
        engine.dispatcher.update { [random = engine.random] machine, now, wall in
            for event in events { machine.handle(event, now: now, wall: wall, random: random.next) }
        }
        let ended = events.compactMap(\.endOfCode)
        engine.logs.codeEnded(ended)
        // Again: code may report after its attempt was settled.
        engine.progressBoard.ended(ended)
    }

    private func write(
        _ key: AttemptKey,
        _ name: String,
        _ chunk: [UInt8],
        isLast: Bool,
        _ engine: JobExecutionEngine
    ) async {
        do {
            try await engine.artefacts.write(key, name: name, chunk: chunk, isLast: isLast)
        } catch {
            engine.logs.append(
                key,
                LogLine(level: .error, stream: .host, message: "The artefact \(name) was not kept: \(error)")
            )
        }
    }
}

extension AttemptEvent {
    /// The attempt whose code has ended with this.
    fileprivate var endOfCode: AttemptKey? {
        switch self {
        case .finished(let key, _, _, codeEnded: true), .codeEnded(let key): key
        default: nil
        }
    }
}
