import ArgumentParser
import Glibc
import Spindle
import UnixSignals

/// The command `spindle`.
@main
struct SpindleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spindle",
        abstract: "Runs durable jobs on executors that come as plugins.",
        discussion: """
            Exit status: 0 succeeded, 1 failed, 2 usage or refused, 3 host or store unavailable, 4 not found, 5 expired or skipped, \
            124 the last attempt timed out, 130 Ctrl-C, 143 cancelled.
            """,
        version: SpindleVersion.text,
        subcommands: [
            Serve.self, Run.self, Submit.self, Executions.self, Jobs.self, Plugins.self, Config.self, Bench.self,
            DoctorCommand.self,
        ]
    )

    static func main() async {
        Host.prepareProcess()
        if let index = CommandArguments.firstThatIsNoText {
            Terminal.error("spindle: argument \(index) is not UTF-8 text; other bytes can be given as a payload: --payload @FILE.")
            Glibc.exit(ExitStatus.refused.rawValue)
        }
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let end as CommandEnd {
            Glibc.exit(end.status.rawValue)
        } catch {
            leave(error)
        }
    }

    /// Usage and help are ArgumentParser's to print; everything else is one sentence on standard error.
    private static func leave(_ error: any Error) -> Never {
        let usage = exitCode(for: error)
        if usage == .success { exit(withError: error) }
        if usage == .validationFailure {
            Terminal.error(fullMessage(for: error))
            Glibc.exit(ExitStatus.refused.rawValue)
        }
        Terminal.error("spindle: \(errorSentence(error))")
        Glibc.exit(ExitStatus(error).rawValue)
    }
}

/// The command line as it came.
enum CommandArguments {
    /// The first argument that Swift would silently change, from 1.
    static var firstThatIsNoText: Int? {
        (1..<max(Int(CommandLine.argc), 1)).first { index in
            guard let argument = CommandLine.unsafeArgv[index] else { return false }
            return String(validatingCString: argument) == nil
        }
    }
}

/// Ends the process with a status; everything was said already.
struct CommandEnd: Error {
    let status: ExitStatus

    /// The status of a command that a signal ended: Ctrl-C is a person's, SIGTERM a supervisor's.
    static func status(of signal: UnixSignal) -> ExitStatus { signal == .sigint ? .interrupted : .cancelled }
}
