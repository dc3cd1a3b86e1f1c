import Logging
import SpindleCore
import SpindleSQLite
import TestSupport
import Testing

@Suite struct SQLiteJobStoreTests {
    @Test(arguments: StoreConformance.all)
    func conforms(_ conformance: StoreConformance) async throws {
        let directory = try TemporaryDirectory()
        let store = try SQLiteJobStore.open(path: directory.path + "/s/store.sqlite", logger: Logger(label: "test"))
        try await conformance.run(on: store)
        try store.close()
    }

    @Test(arguments: 1...2 as ClosedRange<UInt64>)
    func agreesWithTheStoreInMemory(_ seed: UInt64) async throws {
        let directory = try TemporaryDirectory()
        let store = try SQLiteJobStore.open(path: directory.path + "/store.sqlite", logger: Logger(label: "test"))
        var model = try await StoreModel(reference: MemoryJobStore(), candidate: store, seed: seed)
        try await model.run(2000)
        try store.close()
    }
}
