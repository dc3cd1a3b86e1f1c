import ArgumentParser
import Spindle
import SpindleCore
import SpindleServer

/// Hands an execution to the host.
struct Submit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Accepts an execution durably; a running host runs it.",
        discussion:
            "Prints the execution's id once it is committed. Without a host it is written to the store and runs when one starts."
    )

    @OptionGroup var job: JobOptions
    @Option(name: .customLong("job"), parsing: .unconditional, help: "A stored job instead of a target.")
    var storedJob: String?
    @Flag(name: .long, help: "Waits for the end; the exit status says how it ended.")
    var wait = false
    @Option(name: .long, parsing: .unconditional, help: "Not before so long from now, such as 10s.")
    var delay: String?
    @Option(name: .long, parsing: .unconditional, help: "Not before a time such as 2030-01-31T09:00:00Z.")
    var at: String?
    @Option(name: .long, parsing: .unconditional, help: "Expires if not started by this time.")
    var startBy: String?
    @Option(name: .long, parsing: .unconditional, help: "At most one execution with this key that has not ended.")
    var unique: String?
    @Option(name: .long, parsing: .unconditional, help: "The same key and body within 24 h give the same execution.")
    var idempotencyKey: String?
    @Option(
        name: .long,
        parsing: .unconditionalSingleValue,
        help: "Runs after another execution: ID[:succeeded|failed|any]. May be repeated."
    )
    var after: [String] = []
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        if delay != nil && at != nil { throw SpindleError(.invalidRequest, "Give --delay or --at, not both.") }
        var body = try job.body(addsToJob: storedJob != nil)
        body.job = storedJob
        body.delay = try Checked.duration(delay, "--delay", Limits.delay)
        body.runAt = try Checked.time(at, "--at")
        body.startBy = try Checked.time(startBy, "--start-by")
        body.uniqueKey = unique
        body.idempotencyKey = idempotencyKey
        if !after.isEmpty { body.after = try after.map(Self.dependency) }
        let submission = body
        let status = try await global.access(wait ? .running : .submitting) { access in
            let receipt = try await access.submit(submission)
            if wait { return try await follow(receipt.id, access) }
            if global.json { try JSONText.print(receipt) } else { Terminal.print(receipt.id) }
            if !receipt.created { Terminal.error("spindle: this execution was there already; nothing was added") }
            return .succeeded
        }
        if status != .succeeded { throw CommandEnd(status: status) }
    }

    /// Follows an execution to its end, also when the host stops right after it.
    private func follow(_ id: String, _ access: HostAccess) async throws -> ExitStatus {
        do {
            return try await Follower(access: access, json: global.json).follow(id, cancelledBy: nil)
        } catch {
            // The store knows how it ended, if it has.
            guard ExitStatus(error) == .unavailable else { throw error }
            let status = try? await global.access(.reading) { try await Follower(access: $0, json: global.json).status(of: id) }
            guard let status else { throw error }
            return status
        }
    }

    private static func dependency(_ text: String) throws -> DependencyBody {
        do {
            return try DependencyBody(text: text)
        } catch {
            throw SpindleError(error.code, "--after \(text.prefix(64)): \(error.message)")
        }
    }
}
