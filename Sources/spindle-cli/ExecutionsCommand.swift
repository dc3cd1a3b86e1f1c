import ArgumentParser
import Glibc
import Spindle
import SpindleCore
import SpindleServer

/// Looks at executions and steers them.
struct Executions: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists, shows, follows, cancels and retries executions; gives their output.",
        discussion: "An ID is the whole id, or any unique beginning or end of it.",
        subcommands: [List.self, Show.self, Logs.self, Output.self, Cancel.self, Retry.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists executions, newest first.")
        @Option(
            name: .long,
            help: "Only this state. May be repeated.",
            completion: .list(ExecutionState.allCases.map { "\($0)" })
        )
        var executionState: [String] = []
        @Option(name: .long, help: "Only this executor type.")
        var type: String?
        @Option(name: .long, help: "Only this stored job.")
        var job: String?
        @Option(name: .long, parsing: .unconditional, help: "At most so many; 1 to 1000.")
        var limit = "20"
        @Option(name: .long, help: "Goes on where the page before ended.")
        var cursor: String?
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            var query = ExecutionQuery()
            query.states = executionState
            query.type = type
            query.job = job
            query.limit = Int(try Checked.integer(limit, "--limit", 1...1000) ?? 20)
            query.cursor = cursor
            let wanted = query
            let page = try await global.access(.reading) { try await $0.executions(wanted) }
            if global.json { return try JSONText.print(page) }
            Terminal.print(ExecutionTable.table(page.executions))
            if let next = page.nextCursor { Terminal.error("more: --cursor \(next)") }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows an execution with its parameters, policy and attempts.")
        @Argument(help: "The execution.") var id: String
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let shown = try await global.access(.reading) { access in
                ShownExecution(
                    execution: try await access.execution(id),
                    attempts: try await access.attempts(of: id),
                    artefacts: try await access.artefacts(of: id)
                )
            }
            if global.json { return try JSONText.print(shown) }
            Terminal.print(ExecutionText.fields(shown.execution, now: SystemClock().now).lines())
            if !shown.attempts.isEmpty {
                Terminal.print("")
                Terminal.print(ExecutionTable.table(shown.attempts))
                Terminal.print(shown.attempts.flatMap { ExecutionText.remarks($0) })
            }
            if !shown.artefacts.isEmpty {
                Terminal.print("")
                Terminal.print(ExecutionTable.table(shown.artefacts))
            }
        }

        private struct ShownExecution: Encodable {
            let execution: ExecutionBody
            let attempts: [AttemptBody]
            let artefacts: [ArtefactBody]
        }
    }

    struct Logs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Prints the log of an execution.")
        @Argument(help: "The execution.") var id: String
        @Flag(name: .shortAndLong, help: "Goes on until the execution has ended.") var follow = false
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            try await global.access(.reading) { access in
                let execution = try await access.execution(id)
                // Without a host nothing would ever come.
                for try await line in access.logs(of: execution.id, follow: follow && access.isHosted) {
                    if global.json {
                        Terminal.write(line + [UInt8(ascii: "\n")], to: STDOUT_FILENO)
                    } else {
                        LogPrinter.print(line, to: STDOUT_FILENO)
                    }
                }
                guard follow else { return }
                let state = try await access.execution(execution.id).state.state
                guard state.isFinal else {
                    throw SpindleError(
                        .storeUnavailable,
                        "No host runs: the execution \(execution.shortId) is \(state), and its log goes on when one is started "
                            + "with \"spindle serve\"."
                    )
                }
            }
        }
    }

    struct Output: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes the output of an execution, or one of its files, to standard output."
        )
        @Argument(help: "The execution.") var id: String
        @Option(name: .long, parsing: .unconditional, help: "A file that it made, as \"executions show\" lists them.")
        var artefact: String?
        @Option(name: .long, parsing: .unconditional, help: "The attempt that made the file; by default the last one that did.")
        var attempt: String?
        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            let attempt = try Checked.integer(attempt, "--attempt", 1...Int32.max)
            let bytes = try await GlobalOptions.access(options, .reading) { access in
                guard let artefact else {
                    if let output = try await access.output(of: id) { return output.bytes }
                    throw SpindleError(.notFound, "The execution \(try await access.execution(id).shortId) has no output.")
                }
                let files = try await access.artefacts(of: id).filter {
                    $0.name == artefact && (attempt ?? $0.attempt) == $0.attempt
                }
                guard let file = files.max(by: { $0.attempt < $1.attempt }) else {
                    throw SpindleError(.notFound, "The execution made no file \"\(artefact.prefix(128))\".")
                }
                return try await access.artefact(file, of: id)
            }
            Terminal.print(output: bytes)
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Asks for the end of an execution.")
        @Argument(help: "The execution.") var id: String
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let receipt = try await global.access(.writing) { try await $0.cancel(id) }
            if global.json { try JSONText.print(receipt) } else { Terminal.print("\(receipt.id) \(receipt.result)") }
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Runs an ended execution again, or a retrying one at once.")
        @Argument(help: "The execution.") var id: String
        @Option(
            name: .long,
            parsing: .unconditional,
            help: "Retries added to its budget; by default the job's own budget once more."
        )
        var extraRetries: String?
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let extra = try Checked.integer(extraRetries, "--extra-retries", Limits.retries)
            let execution = try await global.access(.writing) { try await $0.retry(id, extraRetries: extra) }
            if global.json { try JSONText.print(execution) } else { Terminal.print("\(execution.id) \(execution.state.state)") }
        }
    }
}

/// Executions and attempts as tables.
enum ExecutionTable {
    static func table(_ executions: [ExecutionBody]) -> Table {
        let now = SystemClock().now
        var table = Table([
            .init("ID"), .init("TYPE"), .init("TARGET", isFlexible: true), .init("STATE"), .init("ATTEMPT", isNumber: true),
            .init("CREATED"), .init("ERROR", isFlexible: true),
        ])
        for execution in executions {
            table.add([
                .init(execution.shortId), .init(execution.type), .init(SafeText.line(execution.target)),
                .init("\(execution.state.state)"), .init("\(execution.attempt)"),
                .init(TimeText.relative(execution.createdAt.timestamp, now: now)),
                .init(SafeText.line(execution.error?.message ?? "")),
            ])
        }
        return table
    }

    static func table(_ artefacts: [ArtefactBody]) -> Table {
        var table = Table([
            .init("FILE", isFlexible: true), .init("ATTEMPT", isNumber: true), .init("BYTES", isNumber: true), .init("SHA256"),
        ])
        for file in artefacts {
            table.add([.init(file.name), .init("\(file.attempt)"), .init("\(file.size)"), .init(file.sha256 ?? "being written")])
        }
        return table
    }

    static func table(_ attempts: [AttemptBody]) -> Table {
        var table = Table([
            .init("ATTEMPT", isNumber: true), .init("OUTCOME"), .init("STARTED"), .init("TOOK"), .init("RAN ON"),
            .init("ERROR", isFlexible: true),
        ])
        for attempt in attempts {
            let took = attempt.startedAt.flatMap { started in
                attempt.finishedAt.map { TimeText.duration($0.timestamp.microseconds - started.timestamp.microseconds) }
            }
            table.add([
                .init("\(attempt.number)"), .init(attempt.outcome ?? "running"),
                .init(attempt.startedAt.map { "\($0.timestamp)" } ?? ""), .init(took ?? ""), .init(attempt.ranOn ?? ""),
                .init(SafeText.line([attempt.error?.code, attempt.error?.message].compactMap { $0 }.joined(separator: ": "))),
            ])
        }
        return table
    }
}
