import DequeModule
import SpindleCore

/// Log lines that wait for the store, within a bound; of what does not fit, the last lines of each attempt are kept. Pure.
struct LogBacklog {
    /// Lines of one attempt that came when there was no room: how a flood ends matters more than its middle.
    private struct Tail {
        var lines: Deque<LogRecord> = []
        var bytes = 0
        var dropped: Int64 = 0
        var lastDropped: LogRecord?
    }

    private var lines: [LogRecord] = []
    private var bytes = 0
    private var tails: [AttemptKey: Tail] = [:]
    private let limit: Int
    private let tailLimit: Int

    /// - Parameters:
    ///   - limit: Bytes for all lines.
    ///   - tailLimit: Bytes for the last lines of an attempt beyond that.
    init(limit: Int = 16 * 1024 * 1024, tailLimit: Int = 64 * 1024) {
        self.limit = limit
        self.tailLimit = tailLimit
    }

    var isEmpty: Bool { lines.isEmpty && tails.isEmpty }

    mutating func add(_ record: LogRecord) {
        let size = Self.size(record)
        // Behind a line of its attempt that found no room there is none either, whatever its size: the order must stay.
        guard bytes + size > limit || tails[record.key] != nil else {
            bytes += size
            lines.append(record)
            return
        }
        var tail = tails.removeValue(forKey: record.key) ?? Tail()
        tail.lines.append(record)
        tail.bytes += size
        while tail.bytes > tailLimit, let oldest = tail.lines.popFirst() {
            tail.bytes -= Self.size(oldest)
            tail.dropped += 1
            tail.lastDropped = oldest
        }
        tails[record.key] = tail
    }

    /// All that waits, with a line in the place of those that were dropped.
    mutating func take() -> [LogRecord] {
        defer { self = LogBacklog(limit: limit, tailLimit: tailLimit) }
        var all = lines
        for tail in tails.values {
            if var note = tail.lastDropped {
                note.line = LogLine(
                    level: .warning,
                    stream: .host,
                    message: "\(tail.dropped) lines were dropped here: too many at once."
                )
                all.append(note)
            }
            all += tail.lines
        }
        return all
    }

    private static func size(_ record: LogRecord) -> Int { record.byteCount + 64 }
}
