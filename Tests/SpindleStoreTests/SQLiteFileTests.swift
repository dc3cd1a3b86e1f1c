import Glibc
import Logging
import SpindleCore
import TestSupport
import Testing

@testable import SpindleSQLite

/// What concerns the file: durability, who may open it, and what happens to a foreign, damaged or vanished one.
@Suite struct SQLiteFileTests {
    private typealias H = StoreHarness
    private let directory: TemporaryDirectory
    private var path: String { directory.path + "/state/store.sqlite" }

    init() throws { directory = try TemporaryDirectory() }

    private func open(readOnly: Bool = false) throws -> SQLiteJobStore {
        try SQLiteJobStore.open(path: path, readOnly: readOnly, logger: Logger(label: "test"))
    }

    /// The code of the error that opening gives.
    private func refusal(readOnly: Bool = false) -> SpindleError? {
        do {
            try open(readOnly: readOnly).close()
            return nil
        } catch {
            return error as? SpindleError
        }
    }

    private func execute(_ sql: String) throws { _ = try RawConnection(path, pragmas: sql) }

    private func overwrite(_ bytes: [UInt8], at offset: Int) {
        let descriptor = Glibc.open(path, O_WRONLY)
        defer { close(descriptor) }
        #expect(pwrite(descriptor, bytes, bytes.count, offset) == bytes.count)
    }

    private func mode(_ path: String) -> UInt32? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : nil
    }

    @Test func everythingIsThereAfterReopening() async throws {
        let first = try open()
        let h = StoreHarness(first)
        let lease = try await h.open(1)
        try await h.submit(1, 2, 3)
        _ = try await h.submit(H.new(4) { $0.after = [Dependency(H.id(2))] })
        _ = try await h.submit(H.new(5) { $0.uniqueKey = "u" })
        #expect(try await h.claim(lease, 2) == "claimed 1/1 2/1")
        _ = try await h.text(.checkpoint(AttemptKey(H.id(2), 1), epoch: lease.epoch, [5]))
        _ = try await h.text(H.end(1, 1, lease) { $0.result = .success("out") })
        _ = try await h.text(.upsertJob(H.new(9, name: "n").job, at: H.at(1)))
        try first.close()

        let second = try open()
        let again = StoreHarness(second)
        let next = try await again.open(2)
        #expect(next.epoch == lease.epoch + 1)
        #expect(try await second.stateCounts() == [.succeeded: 1, .queued: 3, .waiting: 1])
        #expect(try await second.output(of: H.id(1))?.text == "out")
        #expect(try await second.job(named: "n") != nil)
        #expect(try await again.submit(H.new(6) { $0.uniqueKey = "u" }) == "existing 5")
        let claims = try await again.claims(next, 9, at: 20)
        #expect(claims.map { StoreText.number($0.request.key.execution) } == [2, 3, 5])
        #expect(claims.first?.request.checkpoint == [5])
        #expect(claims.first?.request.policy == JobPolicy())
        #expect(try await again.text(H.end(2, 2, next)) == "settled succeeded [t] []")
        try second.close()
    }

    @Test func manyCallersAreServedTogether() async throws {
        let store = try open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<50 {
                group.addTask {
                    let outcomes = try await store.apply((1...20).map { .submit(H.new(caller * 100 + $0)) })
                    #expect(outcomes.map(StoreText.text) == (1...20).map { "submitted \(caller * 100 + $0) queued" })
                }
            }
            try await group.waitForAll()
        }
        #expect(try await store.stateCounts() == [.queued: 1000])
        try store.close()
    }

    @Test func aFailedBatchLeavesTheOthersOfItsGroupAlone() async throws {
        try StoreFiles.makeDirectory(for: path)
        let logger = Logger(label: "test")
        let checkpointer = Checkpointer(path: path, logger: logger)
        defer { checkpointer.close() }
        let connection = try WriteConnection(path)
        let loop = CommitLoop(connection, path: path, checkpointer: checkpointer, logger: logger)
        let host = HostID(UUIDv7(high: 1, low: 1))
        let opening = try loop.commit([[.openHost(host, leaseUntil: H.at(9), types: [], at: H.at(0))]])[0].get()
        guard case .opened(let lease, _)? = opening.first else { throw SpindleError(.internal, "not opened") }
        _ = try loop.commit([[.submit(H.new(1))]])[0].get()
        try execute("UPDATE executions SET definition = 77")
        let results = loop.commit([
            [.submit(H.new(2)), .claim(type: "t", limit: 9, host: lease, at: H.at(1)), .submit(H.new(3))],
            [.submit(H.new(4))],
        ])
        #expect(throws: SpindleError.self) { try results[0].get() }
        #expect(try results[1].get().map(StoreText.text) == ["submitted 4 queued"])
        let states = try loop.commit([[.requestCancel(H.id(2), at: H.at(1)), .requestCancel(H.id(3), at: H.at(1))]])[0].get()
        #expect(states.map(StoreText.text) == ["notFound", "notFound"])
    }

    @Test func onlyTheOwnerMayReadIt() async throws {
        let store = try open()
        try await StoreHarness(store).submit(1)
        #expect(mode(directory.path + "/state") == 0o700)
        for suffix in ["", "-wal", "-shm", ".lock", ".ballast"] { #expect(mode(path + suffix) == 0o600, "\(suffix)") }
        try store.close()
    }

    @Test func oneHostAtATime() async throws {
        let store = try open()
        let error = refusal()
        #expect(error?.code == .storeUnavailable)
        #expect(error?.message.contains("process \(getpid())") == true)
        try store.close()
        #expect(refusal() == nil)
        await #expect(throws: SpindleError.self) { _ = try await store.apply([]) }
    }

    @Test func readingNeedsNoLock() async throws {
        #expect(refusal(readOnly: true)?.code == .storeUnavailable)
        let store = try open()
        try await StoreHarness(store).submit(1)
        let reader = try open(readOnly: true)
        #expect(try await reader.execution(H.id(1))?.state == .queued)
        try await StoreHarness(store).submit(2)
        #expect(try await reader.execution(H.id(2))?.state == .queued)
        await #expect(throws: SpindleError.self) { _ = try await reader.apply([.submit(H.new(3))]) }
        try reader.close()
        try store.close()
    }

    @Test func aForeignFileIsLeftAlone() throws {
        try open().close()
        try execute("PRAGMA application_id = 7")
        #expect(refusal()?.message.contains("not a Spindle store") == true)
        #expect(refusal(readOnly: true)?.message.contains("not a Spindle store") == true)
    }

    @Test func aNewerStoreIsLeftAlone() throws {
        try open().close()
        try execute("INSERT INTO grdb_migrations VALUES ('9999')")
        #expect(refusal()?.message.contains("newer Spindle") == true)
    }

    @Test func aFileOfAnotherKindIsAClearError() throws {
        try open().close()
        overwrite([UInt8](repeating: 0x41, count: 4096), at: 0)
        #expect(refusal()?.message.contains("not an SQLite file") == true)
    }

    @Test func aDamagedFileIsAClearError() throws {
        try open().close()
        overwrite([UInt8](repeating: 0xFF, count: 3900), at: 100)
        #expect(refusal()?.code == .storeUnavailable)
        #expect(refusal()?.message.contains("damaged") == true)
    }

    @Test func aVanishedFileStopsWritesAndIsNotMadeAnew() async throws {
        let store = try open()
        try await StoreHarness(store).submit(1)
        #expect(rename(path, path + ".away") == 0)
        await #expect(throws: SpindleError.self) { _ = try await store.apply([.submit(H.new(2))]) }
        #expect(mode(path) == nil)
        #expect(rename(path + ".away", path) == 0)
        #expect(try await StoreHarness(store).submit(H.new(3)) == "submitted 3 queued")
        try store.close()
    }
}
