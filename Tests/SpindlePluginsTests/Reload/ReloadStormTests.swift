import Glibc
import SpindleCore
import SpindleEngine
import Testing

@testable import SpindlePlugins

/// Many executions while the file of their plugin is replaced again and again.
@Suite("a plugin that is replaced under load", .serialized, .timeLimit(.minutes(20)))
struct ReloadStormTests {
    /// A sanitizer makes everything many times slower, and sees a race in a tenth of it as well.
    private static let share = Workspace.isSanitized ? 10 : 1
    private static let executions = 10_000 / share
    private static let replacements = 50 / share

    /// What is wrong with the file of a replacement: every fifth does not load, does not start, or is no library.
    private static func fault(_ number: Int) -> ReloadRig.Fault? {
        switch number % 15 {
        case 5: .factory
        case 10: .create
        case 0: nil
        default: ReloadRig.Fault.none
        }
    }

    @Test("none of 10,000 executions is lost or fails because of 50 replacements, and the old workers are gone")
    func storm() async throws {
        let workspace = try Workspace()
        try ReloadRig.put(0, into: workspace)
        var settings = ReloadSettings()
        settings.trialAttempts = 0
        try await ReloadRig.with(workspace, settings: settings) { rig in
            let hasReplacedAll = Gate()
            let replacing = Task {
                defer { hasReplacedAll.open() }
                for number in 1...Self.replacements {
                    if let fault = Self.fault(number) {
                        try rig.put(number, fault)
                    } else {
                        try rig.workspace.write("no library \(number)", to: "version.so")
                    }
                    _ = try await rig.reload()
                }
            }
            var ids: [ExecutionID] = []
            var versions: Set<String> = []
            var processes: Set<pid_t> = []
            // As many rounds as it takes: the load goes on until the last replacement is over.
            while ids.count < Self.executions || !hasReplacedAll.isOpen {
                let batch = try await submit(100, rig)
                ids += batch
                for id in batch {
                    let version = try #require(try await rig.version(id), "\(id) failed")
                    versions.insert(version)
                    processes.insert(try await rig.process(id))
                }
            }
            try await replacing.value
            // Every one of them, once more, from the store: acknowledged, ended, in one attempt.
            for id in ids {
                let execution = try #require(try await rig.engine.reader.execution(id))
                #expect(execution.state == .succeeded)
                #expect(try await rig.engine.reader.attempts(of: id).count == 1)
            }
            #expect(versions.count > Self.replacements / 2, "\(versions.count) versions had work")
            let last = try await rig.submit()
            let newest = (1...Self.replacements).last { Self.fault($0) == ReloadRig.Fault.none }
            #expect(try await rig.version(last) == newest.map { "\($0)" })
            let mine = try await rig.process(last)
            for process in processes where process != mine { await rig.end(of: process) }
        }
    }

    private func submit(_ count: Int, _ rig: ReloadRig) async throws -> [ExecutionID] {
        let submissions = (0..<count).map { _ in
            Submission(
                Job(
                    id: JobID(UUIDv7(high: 7 << 12, low: 1)),
                    executorType: "version",
                    target: "say",
                    policy: PolicyOverrides(maxRetries: 0, timeout: 600_000_000)
                )
            )
        }
        return try await rig.engine.submit(submissions).map { try $0.get().id }
    }
}
