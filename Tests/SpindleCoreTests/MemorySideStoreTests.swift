import SpindleCore
import TestSupport
import Testing

@Suite struct MemorySideStoreTests {
    @Test func keepsLogLines() async throws { try await LogStoreConformance.keepsLines(MemoryLogStore()) }

    @Test func removesLogLines() async throws { try await LogStoreConformance.removes(MemoryLogStore()) }

    @Test func keepsHeadAndTail() async throws {
        try await LogStoreConformance.keepsHeadAndTail(MemoryLogStore(limit: 1024 * 1024))
    }

    @Test func keepsFiles() async throws { try await ArtefactStoreConformance.keepsFiles(MemoryArtefactStore()) }

    @Test func refusesNames() async throws { try await ArtefactStoreConformance.refusesNames(MemoryArtefactStore()) }

    @Test func refusesWrites() async throws {
        try await ArtefactStoreConformance.refusesWrites(MemoryArtefactStore(limit: 1024 * 1024))
    }
}
