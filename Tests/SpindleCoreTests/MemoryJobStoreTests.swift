import SpindleCore
import TestSupport
import Testing

@Suite struct MemoryJobStoreTests {
    @Test(arguments: StoreConformance.all)
    func conforms(_ conformance: StoreConformance) async throws {
        try await conformance.run(on: MemoryJobStore())
    }
}
