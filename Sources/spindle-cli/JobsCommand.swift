import ArgumentParser
import Spindle
import SpindleCore
import SpindleServer

/// Stored jobs.
struct Jobs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stores jobs by name and runs them.",
        subcommands: [Add.self, List.self, Show.self, RunJob.self, Remove.self]
    )

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Stores a job, or replaces the one of that name.")
        @Argument(help: "Its name.") var name: String
        @OptionGroup var job: JobOptions
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let submission = try job.body()
            var body = JobBody(name: name, type: submission.type, target: submission.target ?? "")
            body.parameters = submission.parameters
            body.payload = submission.payload
            body.policy = submission.policy
            body.priority = submission.priority
            let wanted = body
            let saved = try await global.access(.writing) { try await $0.saveJob(wanted, named: name) }
            if global.json { try JSONText.print(saved) } else { Terminal.print("\(saved.id ?? "") \(name)") }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the stored jobs.")
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let jobs = try await global.access(.reading) { try await $0.jobs() }
            if global.json { return try JSONText.print(JobListBody(jobs: jobs)) }
            var table = Table([.init("NAME"), .init("TYPE"), .init("TARGET", isFlexible: true)])
            for job in jobs {
                table.add([.init(job.name ?? ""), .init(job.type ?? "by target"), .init(SafeText.line(job.target))])
            }
            Terminal.print(table)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows a stored job.")
        @Argument(help: "Its name.") var name: String
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let job = try await global.access(.reading) { try await $0.job(named: name) }
            if global.json { try JSONText.print(job) } else { Terminal.print(DefinitionText.fields(job).lines()) }
        }
    }

    struct RunJob: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "run", abstract: "Submits a stored job.")
        @Argument(help: "Its name.") var name: String
        @Option(
            name: .shortAndLong,
            parsing: .unconditionalSingleValue,
            help: "A parameter that is added or replaced: NAME=VALUE. May be repeated."
        )
        var parameter: [String] = []
        @Flag(name: .long, help: "Waits for the end; the exit status says how it ended.") var wait = false
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            var submit = try Submit.parse(["--job", name] + parameter.flatMap { ["-p", $0] } + (wait ? ["--wait"] : []))
            submit.global = global
            try await submit.run()
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Removes a stored job; work already queued is not changed.")
        @Argument(help: "Its name.") var name: String
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            try await global.access(.writing) { try await $0.removeJob(named: name) }
            if global.json { try JSONText.print(["removed": name]) }
        }
    }
}
