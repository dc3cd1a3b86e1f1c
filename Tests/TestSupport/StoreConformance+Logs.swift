public import SpindleCore
import Testing

/// What every ``LogStore`` must do; each function takes an empty store.
public enum LogStoreConformance {
    private static func record(_ number: Int, _ attempt: Int32, _ sequence: Int64, _ text: String? = nil) -> LogRecord {
        LogRecord(
            key: AttemptKey(StoreHarness.id(number), attempt),
            sequence: sequence,
            at: StoreHarness.at(sequence),
            line: LogLine(
                level: sequence % 2 == 0 ? .error : .debug,
                stream: sequence % 2 == 0 ? .stderr : .plugin,
                message: text ?? "line \(sequence) äöü",
                fields: sequence % 3 == 0 ? [("name", "value"), ("empty", "")] : []
            )
        )
    }

    /// Lines come back whole, in order and by page.
    public static func keepsLines(_ store: any LogStore) async throws {
        try await store.append([])
        try await store.append([record(1, 1, 1), record(2, 1, 1), record(1, 1, 2), record(1, 1, 3)])
        try await store.append([record(1, 2, 4)])
        let id = StoreHarness.id(1)
        let all = try await store.records(of: id, after: 0, limit: 100)
        #expect(all.map(\.sequence) == [1, 2, 3, 4])
        #expect(all.map(\.key.attempt) == [1, 1, 1, 2])
        for record in all { #expect("\(record)" == "\(Self.record(1, record.key.attempt, record.sequence))") }
        #expect(try await store.records(of: id, after: 1, limit: 2).map(\.sequence) == [2, 3])
        #expect(try await store.records(of: id, after: 4, limit: 2).isEmpty)
        #expect(try await store.records(of: StoreHarness.id(3), after: 0, limit: 9).isEmpty)
    }

    /// What is removed is gone; the rest stays.
    public static func removes(_ store: any LogStore) async throws {
        try await store.append((1...3).map { record($0, 1, 1) })
        try await store.remove([StoreHarness.id(1), StoreHarness.id(3), StoreHarness.id(9)])
        for number in 1...3 {
            let found = try await store.records(of: StoreHarness.id(number), after: 0, limit: 9)
            #expect(found.count == (number == 2 ? 1 : 0))
        }
    }

    /// Of a long log the first and the last lines are kept.
    ///
    /// - Parameter store: One with a limit of 1 MiB for each attempt.
    public static func keepsHeadAndTail(_ store: any LogStore) async throws {
        let line = String(repeating: "x", count: 1000)
        for block in 0..<40 {
            try await store.append((1...100).map { record(1, 1, Int64(block * 100 + $0), line) })
        }
        try await store.append([record(1, 2, 4001)])
        let kept = try await store.records(of: StoreHarness.id(1), after: 0, limit: 10_000).map(\.sequence)
        #expect(kept.first == 1)
        #expect(kept.last == 4001)
        #expect(kept.contains(400))
        #expect(kept.contains(4000))
        #expect(kept.contains(3700))
        #expect(!kept.contains(2000))
        #expect(kept == kept.sorted())
        #expect((700...1100).contains(kept.count))
    }
}

/// What every ``ArtefactStore`` must do; each function takes an empty store with a limit of 1 MiB for a file.
public enum ArtefactStoreConformance {
    /// Files come back whole, piece after piece, and are listed.
    public static func keepsFiles(_ store: any ArtefactStore) async throws {
        let first = AttemptKey(StoreHarness.id(1), 1)
        let second = AttemptKey(StoreHarness.id(1), 2)
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        try await store.write(second, name: "b.bin", chunk: Array(bytes[..<40_000]), isLast: false)
        try await store.write(first, name: "a.txt", chunk: Array("abc".utf8), isLast: true)
        try await store.write(second, name: "b.bin", chunk: Array(bytes[40_000...]), isLast: true)
        try await store.write(second, name: "empty", chunk: [], isLast: true)
        #expect(try await store.read(second, name: "b.bin") == bytes)
        let listed = try await store.artefacts(of: StoreHarness.id(1))
        #expect(listed.map(\.name) == ["a.txt", "b.bin", "empty"])
        #expect(listed.map(\.size) == [3, 100_000, 0])
        #expect(listed.map(\.key) == [first, second, second])
        try await store.remove([StoreHarness.id(1)])
        #expect(try await store.artefacts(of: StoreHarness.id(1)).isEmpty)
        await #expect(throws: SpindleError.self) { _ = try await store.read(first, name: "a.txt") }
    }

    /// Names that could lead elsewhere are refused, also for reading.
    public static func refusesNames(_ store: any ArtefactStore) async throws {
        let key = AttemptKey(StoreHarness.id(1), 1)
        let names = [
            "", ".", "..", "../x", "a/b", "/etc/passwd", "-x", ".x", "a\0b", "ä", "a b", String(repeating: "a", count: 129),
        ]
        for name in names {
            await #expect(throws: SpindleError.self) { try await store.write(key, name: name, chunk: [1], isLast: true) }
            await #expect(throws: SpindleError.self) { _ = try await store.read(key, name: name) }
        }
        #expect(try await store.artefacts(of: key.execution).isEmpty)
    }

    /// A file has a bound, and is not written again once it is closed.
    public static func refusesWrites(_ store: any ArtefactStore) async throws {
        let key = AttemptKey(StoreHarness.id(1), 1)
        let large = [UInt8](repeating: 1, count: 1024 * 1024)
        try await store.write(key, name: "fits", chunk: large, isLast: true)
        await #expect(throws: SpindleError.self) { try await store.write(key, name: "fits", chunk: [2], isLast: true) }
        #expect(try await store.read(key, name: "fits") == large)
        try await store.write(key, name: "large", chunk: large, isLast: false)
        await #expect(throws: SpindleError.self) { try await store.write(key, name: "large", chunk: [1], isLast: true) }
    }
}
