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
}
