import Glibc
import Logging
import SpindleCore
import SpindleSQLite
import TestSupport
import Testing

/// A file system of 12 MiB that only root can make.
private final class SmallDisk: Sendable {
    static let canBeMade = geteuid() == 0 && (try? SmallDisk()) != nil
    let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        guard mount("tmpfs", directory.path, "tmpfs", 0, "size=12m") == 0 else {
            throw SpindleError(.storeUnavailable, "cannot mount")
        }
    }

    deinit { umount2(directory.path, Int32(MNT_DETACH)) }

    /// Takes all the room there is.
    func fill() {
        let descriptor = open(directory.path + "/filler", O_WRONLY | O_CREAT, 0o600)
        defer { close(descriptor) }
        let block = [UInt8](repeating: 0, count: 4096)
        while write(descriptor, block, block.count) > 0 {}
    }

    func empty() { unlink(directory.path + "/filler") }
}

@Suite(.enabled(if: SmallDisk.canBeMade)) struct DiskFullTests {
    private typealias H = StoreHarness

    @Test func whatRunsCanEndAndSubmissionsComeBack() async throws {
        let disk = try SmallDisk()
        let path = disk.directory.path + "/store.sqlite"
        let store = try SQLiteJobStore.open(path: path, logger: Logger(label: "test"))
        let h = StoreHarness(store)
        let lease = try await h.open()
        _ = try await store.apply((1...50).map { .submit(H.new($0)) })
        _ = try await h.claim(lease, 50)
        disk.fill()

        var refused: SpindleError?
        var accepted: [Int] = []
        for number in 100..<200 where refused == nil {
            let new = H.new(number) { $0.job.payload = Payload([UInt8](repeating: 1, count: 100_000)) }
            do {
                _ = try await h.submit(new)
                accepted.append(number)
            } catch let error as SpindleError {
                refused = error
            }
        }
        #expect(refused?.code == .storeFull)

        for number in 1...25 { #expect(try await h.text(H.end(number, 1, lease)) == "settled succeeded [] []") }
        #expect(try await h.text(.renewHost(lease, leaseUntil: H.at(99), at: H.at(1))) == "renewed []")
        #expect(try await h.text(.prune(Retention(finished: 1), now: H.at(99), limit: 10)).hasPrefix("pruned [1 2 3"))
        await #expect(throws: SpindleError.self) { try await h.submit(300) }

        let bytes = [UInt8](repeating: 1, count: 1000)
        let mixed = try await store.apply([
            .checkpoint(AttemptKey(H.id(27), 1), epoch: lease.epoch, bytes), H.end(26, 1, lease),
        ])
        #expect(mixed.map(StoreText.text) == ["stale", "settled succeeded [] []"])

        disk.empty()
        #expect(try await h.submit(H.new(301)) == "submitted 301 queued")
        for number in 27...50 { #expect(try await h.text(H.end(number, 1, lease)) == "settled succeeded [] []") }
        for number in accepted { #expect(try await h.state(number) == .queued) }
        #expect(try await store.execution(H.id(300)) == nil)
        try store.close()
    }
}
