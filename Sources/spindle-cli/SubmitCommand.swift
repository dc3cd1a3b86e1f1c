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
    @Option(name: .customLong("job"), help: "A stored job instead of a target.")
    var storedJob: String?
    @Flag(name: .long, help: "Waits for the end; the exit status says how it ended.")
    var wait = false
    @Option(name: .long, help: "Not before so long from now, such as 10s.")
    var delay: String?
    @Option(name: .long, help: "Not before this time, such as 2030-01-31T09:00:00Z.")
    var at: String?
    @Option(name: .long, help: "Expires if not started by this time.")
    var startBy: String?
    @Option(name: .long, help: "At most one execution with this key that has not ended.")
    var unique: String?
    @Option(name: .long, help: "The same key and body within 24 h give the same execution.")
    var idempotencyKey: String?
    @Option(name: .long, help: "Runs after another execution: ID[:succeeded|failed|any]. May be repeated.")
    var after: [String] = []
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        var body = try job.body()
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
            if wait { return try await Follower(access: access, json: global.json).follow(receipt.id, cancelledBy: nil) }
            if global.json { try JSONText.print(receipt) } else { Terminal.print(receipt.id) }
            if !receipt.created { Terminal.error("spindle: this execution was there already; nothing was added") }
            return .succeeded
        }
        if status != .succeeded { throw CommandEnd(status: status) }
    }

    private static func dependency(_ text: String) throws -> DependencyBody {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return DependencyBody(id: text, on: .succeeded) }
        guard let on = DependencyCondition(rawValue: String(parts[1])) else {
            throw SpindleError(
                .invalidRequest,
                "--after \(text.prefix(64)): after the colon, one of succeeded, failed, any is wanted."
            )
        }
        return DependencyBody(id: String(parts[0]), on: on)
    }
}
