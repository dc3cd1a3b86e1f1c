import Synchronization

/// Log lines that are kept until the process ends, within the same bounds as in a durable store.
public final class MemoryLogStore: LogStore {
    private struct AttemptLog {
        var head: [LogRecord] = []
        var headBytes = 0
        var tail: [LogRecord] = []
        var tailStart = 0
        var tailBytes = 0
    }

    private let attempts = Mutex<[ExecutionID: [Int32: AttemptLog]]>([:])
    private let half: Int

    /// Begins empty.
    ///
    /// - Parameter limit: Bytes for each attempt; half for its first lines, half for its last ones.
    public init(limit: Int = Limits.log) { half = limit / 2 }

    public func append(_ records: [LogRecord]) async throws {
        attempts.withLock { attempts in
            for record in records {
                keep(record, &attempts[record.key.execution, default: [:]][record.key.attempt, default: AttemptLog()])
            }
        }
    }

    private func keep(_ record: LogRecord, _ log: inout AttemptLog) {
        let size = record.byteCount
        if log.tail.isEmpty && log.headBytes + size <= half {
            log.head.append(record)
            log.headBytes += size
            return
        }
        log.tail.append(record)
        log.tailBytes += size
        while log.tailBytes > half && log.tailStart < log.tail.count - 1 {
            log.tailBytes -= log.tail[log.tailStart].byteCount
            log.tailStart += 1
        }
        if log.tailStart > 1024 && log.tailStart > log.tail.count / 2 {
            log.tail.removeFirst(log.tailStart)
            log.tailStart = 0
        }
    }

    public func records(of id: ExecutionID, after: Int64, limit: Int) async throws -> [LogRecord] {
        attempts.withLock { attempts in
            let logs = (attempts[id] ?? [:]).sorted { $0.key < $1.key }.map(\.value)
            let lines = logs.lazy.flatMap { [$0.head[...], $0.tail[$0.tailStart...]] }.joined()
            return Array(lines.filter { $0.sequence > after }.prefix(max(limit, 0)))
        }
    }

    public func remove(_ ids: [ExecutionID]) async throws {
        attempts.withLock { attempts in
            for id in ids { attempts[id] = nil }
        }
    }
}

extension LogRecord {
    /// What it counts against the bound of an attempt.
    package var byteCount: Int {
        line.fields.reduce(line.message.utf8.count + 16) { $0 + $1.0.utf8.count + $1.1.utf8.count + 4 }
    }
}
