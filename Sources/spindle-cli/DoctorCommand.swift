import ArgumentParser
import Spindle
import SpindlePlugins

/// What this machine can do to keep plugins in.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract:
            "Tries what this kernel gives to this user to keep plugins in, and says what each level of isolation then promises.",
        discussion: "Exit status 0 if the level sandbox can be had, 1 if not."
    )
    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let report = try await Doctor.examine(workerPath: try global.load().configuration.workerPath)
        if global.json { try JSONText.print(report) } else { print(report) }
        if !report.isSandboxAvailable { throw CommandEnd(status: .failed) }
    }

    private func print(_ report: DoctorReport) {
        var layers = Table([.init("LAYER"), .init("HERE"), .init("NOTE", isFlexible: true)])
        for layer in report.layers {
            layers.add([
                .init(layer.name), .init(layer.available ? "yes" : layer.required ? "no" : "no (optional)"),
                .init(SafeText.line(layer.note)),
            ])
        }
        Terminal.print(layers)
        Terminal.print("")
        var levels = Table([.init("LEVEL"), .init("HERE"), .init("PROMISES", isFlexible: true)])
        for level in report.levels {
            levels.add([.init(level.level.rawValue), .init(level.available ? "yes" : "no"), .init(SafeText.line(level.note))])
        }
        Terminal.print(levels)
    }
}
