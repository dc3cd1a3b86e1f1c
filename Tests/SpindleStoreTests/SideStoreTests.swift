import Glibc
import Logging
import SpindleCore
import SpindleSQLite
import TestSupport
import Testing

@Suite struct SideStoreTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func logs(limit: Int = Limits.log) throws -> SQLiteLogStore {
        try SQLiteLogStore.open(path: directory.path + "/logs.sqlite", limit: limit, logger: Logger(label: "test"))
    }

    private var files: FileArtefactStore {
        FileArtefactStore(directory: directory.path + "/artefacts", maxBytes: 1024 * 1024)
    }

    @Test func keepsLogLines() async throws { try await LogStoreConformance.keepsLines(logs()) }

    @Test func removesLogLines() async throws { try await LogStoreConformance.removes(logs()) }

    @Test func keepsHeadAndTail() async throws {
        try await LogStoreConformance.keepsHeadAndTail(logs(limit: 1024 * 1024))
    }

    @Test func keepsFiles() async throws { try await ArtefactStoreConformance.keepsFiles(files) }

    @Test func refusesNames() async throws { try await ArtefactStoreConformance.refusesNames(files) }

    @Test func refusesWrites() async throws { try await ArtefactStoreConformance.refusesWrites(files) }

    @Test func namesTheDigestOfAClosedFile() async throws {
        let store = files
        let key = AttemptKey(StoreHarness.id(1), 1)
        try await store.write(key, name: "x", chunk: Array("ab".utf8), isLast: false)
        #expect(try await store.artefacts(of: key.execution).map(\.sha256) == [nil])
        try await store.write(key, name: "x", chunk: Array("c".utf8), isLast: true)
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        #expect(try await store.artefacts(of: key.execution).map(\.sha256) == [digest])
    }

    @Test func followsNoLink() async throws {
        let store = files
        let key = AttemptKey(StoreHarness.id(1), 1)
        try await store.write(key, name: "first", chunk: [1], isLast: true)
        let secret = directory.path + "/secret"
        let descriptor = open(secret, O_WRONLY | O_CREAT, 0o600)
        #expect(Glibc.write(descriptor, "secret", 6) == 6)
        close(descriptor)
        #expect(symlink(secret, "\(directory.path)/artefacts/\(key.execution)/1/link") == 0)
        await #expect(throws: SpindleError.self) { _ = try await store.read(key, name: "link") }
        await #expect(throws: SpindleError.self) {
            try await store.write(key, name: "link", chunk: [9], isLast: true)
        }
        var status = stat()
        #expect(stat(secret, &status) == 0 && status.st_size == 6)
    }
}
