import FoundationEssentials
import Glibc
import SpindleCore
import Synchronization
import Testing

@testable import SpindlePlugins

/// A file that is swapped while the host opens it: what is accepted is what was signed.
@Suite(.timeLimit(.minutes(10)))
struct SwapRaceTests {
    /// Exchanges a file for another one as fast as it can until it is told to stop.
    private final class Swapper: Sendable {
        private let isStopping = Atomic(false)
        private let ended = Signal()

        init(_ path: String, _ contents: [[UInt8]], inPlace: Bool) throws {
            try OSThread.start("swapper") { [self] in
                var turn = 0
                while !isStopping.load(ordering: .relaxed) {
                    turn += 1
                    let bytes = contents[turn % contents.count]
                    let target = inPlace ? path : "\(path).new"
                    let number = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
                    guard number >= 0 else { continue }
                    // Half by half: a reader in between sees a mixture.
                    let half = bytes.count / 2
                    _ = bytes.withUnsafeBytes { pwrite(number, $0.baseAddress, half, 0) }
                    sched_yield()
                    _ = bytes.withUnsafeBytes { pwrite(number, $0.baseAddress.map { $0 + half }, bytes.count - half, half) }
                    close(number)
                    if !inPlace { rename(target, path) }
                }
                ended.raise()
            }
        }

        func stop() {
            isStopping.store(true, ordering: .relaxed)
            ended.wait()
        }
    }

    @Test("in a thousand races the unsigned bytes are never accepted", arguments: [false, true])
    func races(inPlace: Bool) async throws {
        let workspace = try Workspace()
        let keygen = Keygen(directory: workspace.path)
        let key = try keygen.key("ada")
        _ = try await PluginSigners.trust(publicKey: "\(key).pub", principal: "ada", in: workspace.plugins)
        // As long as each other, so that size and place say nothing.
        let signed = Array(repeating: UInt8(ascii: "s"), count: 100_000)
        let unsigned = Array(repeating: UInt8(ascii: "u"), count: 100_000)
        let path = "\(workspace.plugins)/p.so"
        try workspace.write(String(decoding: signed, as: UTF8.self), to: "p.so")
        try keygen.sign(path, with: key)
        let plugins = workspace.plugins
        try await Blocking.run {
            let directory = try TrustedDirectory(plugins)
            let rules = TrustRules(.signed, in: directory, now: SystemClock().now)
            let swapper = try Swapper(path, [signed, unsigned], inPlace: inPlace)
            defer { swapper.stop() }
            var (accepted, refused, races, wrong) = (0, 0, 0, 0)
            // A thousand, and on until both ends were seen: a slow machine may take one side for long.
            while races < (Workspace.isSanitized ? 100 : 1000) || accepted == 0 || refused == 0 {
                races += 1
                var none = CacheFile<String>(path: "")
                do throws(PluginRefusal) {
                    let file = try PluginFile("p.so", in: directory.descriptor, path: path, isTrusted: true, digests: &none)
                    _ = try rules.check(file, in: directory)
                    accepted += 1
                    if !file.image.bytes.elementsEqual(signed) { wrong += 1 }
                } catch {
                    refused += 1
                }
            }
            #expect(wrong == 0, "unsigned bytes were accepted in \(wrong) of \(races) races")
        }
    }
}
