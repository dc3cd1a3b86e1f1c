import Glibc
import SpindleCore
import Synchronization
import TestSupport
import Testing

/// What the attempts of the plugin `bench` say themselves, as it comes: the file they write to is a pipe with a name.
final class Journal: Sendable {
    /// A line.
    struct Entry: Hashable, Sendable {
        enum Kind: Character, Sendable {
            case began = "B"
            /// Its end was asked for, and it goes on.
            case goesOn = "C"
            case ended = "E"
        }
        let kind: Kind
        let execution: ExecutionID
        let attempt: Int32
        let process: pid_t
    }

    private struct State {
        var entries: [Entry] = []
        var waiters: [(fits: @Sendable ([Entry]) -> Bool, continuation: CheckedContinuation<[Entry], Never>)] = []
    }

    let path: String
    private let state = Mutex(State())
    private let descriptor: Int32

    init(in directory: String) throws {
        path = "\(directory)/journal"
        try #require(mkfifo(path, 0o600) == 0)
        // Open for writing too: else the first writer to leave would end it.
        descriptor = open(path, O_RDWR | O_CLOEXEC)
        try #require(descriptor >= 0)
        let descriptor = descriptor
        BlockingThread.start { [weak self] in Self.read(descriptor) { self?.add($0) } }
    }

    deinit {
        // The thread ends with this line and closes the pipe.
        _ = write(descriptor, "Q\n", 2)
    }

    var entries: [Entry] { state.withLock { $0.entries } }

    func count(_ kind: Entry.Kind, of ids: Set<ExecutionID>) -> Int { Self.count(entries, kind, of: ids) }

    private static func count(_ entries: [Entry], _ kind: Entry.Kind, of ids: Set<ExecutionID>) -> Int {
        entries.count { $0.kind == kind && ids.contains($0.execution) }
    }

    /// Waits until so many lines of a kind have come from some executions.
    @discardableResult
    func wait(for kind: Entry.Kind, of ids: Set<ExecutionID>, count: Int) async -> [Entry] {
        await withCheckedContinuation { continuation in
            let fits: @Sendable ([Entry]) -> Bool = { Self.count($0, kind, of: ids) >= count }
            let now = state.withLock { state -> [Entry]? in
                if fits(state.entries) { return state.entries }
                state.waiters.append((fits, continuation))
                return nil
            }
            if let now { continuation.resume(returning: now) }
        }
    }

    private func add(_ entry: Entry) {
        let (entries, ready) = state.withLock { state in
            state.entries.append(entry)
            let entries = state.entries
            var ready: [CheckedContinuation<[Entry], Never>] = []
            state.waiters.removeAll { waiter in
                guard waiter.fits(entries) else { return false }
                ready.append(waiter.continuation)
                return true
            }
            return (entries, ready)
        }
        for continuation in ready { continuation.resume(returning: entries) }
    }

    private static func read(_ descriptor: Int32, _ take: (Entry) -> Void) {
        var rest: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            rest += buffer.prefix(count)
            while let newline = rest.firstIndex(of: 10) {
                let words = rest[..<newline].split(separator: 32).map { String(decoding: $0, as: UTF8.self) }
                rest.removeFirst(newline + 1)
                if words == ["Q"] {
                    close(descriptor)
                    return
                }
                guard words.count == 5, let kind = words[0].first.flatMap(Entry.Kind.init), let id = ExecutionID(words[1]),
                    let attempt = Int32(words[2]), let process = pid_t(words[3])
                else {
                    Issue.record("a line that is none of the plugin's: \(words)")
                    continue
                }
                take(Entry(kind: kind, execution: id, attempt: attempt, process: process))
            }
        }
        close(descriptor)
    }
}
