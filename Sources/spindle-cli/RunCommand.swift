import ArgumentParser
import Glibc
import Logging
import Spindle
import SpindleCore
import SpindleEngine
import SpindleServer
import UnixSignals

/// Runs one execution in this process.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs one job in this process; the exit status says how it ended.",
        discussion:
            "The log goes to standard error as it comes, the output to standard output. Keeps nothing unless --store is given."
    )

    @OptionGroup var job: JobOptions
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        var configuration = try global.load().configuration
        if global.store == nil { configuration.store = .memory }
        // Ctrl-C asks the job to end; waiting for others would only make it slow.
        configuration.engine.drainTimeout = 0
        let body = try job.body()
        let host = try await PrivateHost(
            configuration,
            purpose: .serving,
            usesPlugins: true,
            environment: Host.environment,
            logger: .quiet
        )
        let outcome = await Self.result { try await follow(body, host.access) }
        try await host.close()
        let status = try outcome.get()
        if status != .succeeded { throw CommandEnd(status: status) }
    }

    private static func result<Value>(_ body: () async throws -> Value) async -> Result<Value, any Error> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }

    private func follow(_ body: SubmissionBody, _ access: HostAccess) async throws -> ExitStatus {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let receipt = try await access.submit(body)
        return try await Follower(access: access, json: global.json).follow(receipt.id, cancelledBy: signals)
    }
}
