import Foundation

/// Faults planted in a copy of the sources, to see that the simulator finds each of them.
///
/// All are compiled at once, behind `activeMutant`, which `SPINDLE_MUTANT` chooses: one build instead of one for each. The sources
/// themselves know nothing of it.
enum Mutants {
    private static let folder = "Sources/SpindleEngine/Dispatch"

    /// Changes the sources of a package in place, and prints the number and the name of each mutant.
    static func plant(in package: String) throws {
        let directory = URL(fileURLWithPath: package).appending(path: folder)
        let choice = """
            import Foundation

            let activeMutant = Int(ProcessInfo.processInfo.environment["SPINDLE_MUTANT"] ?? "") ?? 0

            """
        try choice.write(to: directory.appending(path: "ActiveMutant.swift"), atomically: true, encoding: .utf8)
        for (index, mutant) in table.enumerated() {
            for edit in mutant.edits {
                let file = directory.appending(path: edit.file + ".swift")
                let source = try String(contentsOf: file, encoding: .utf8)
                guard source.components(separatedBy: edit.original).count == 2 else {
                    fatalError("\(edit.file) must contain this once, for mutant \(index + 1): \(edit.original)")
                }
                let broken = edit.broken.replacing("MUTANT", with: "(activeMutant == \(index + 1))")
                try source.replacing(edit.original, with: broken).write(to: file, atomically: true, encoding: .utf8)
            }
            print("\(index + 1) \(mutant.name)")
        }
    }

    struct Edit {
        let file: String
        /// Occurs exactly once.
        let original: String
        /// `MUTANT` is true while this mutant is active.
        let broken: String

        init(_ file: String, _ original: String, _ broken: String) {
            self.file = file
            self.original = original
            self.broken = broken
        }
    }

    struct Mutant {
        let name: String
        let edits: [Edit]

        init(_ name: String, _ edits: Edit...) {
            self.name = name
            self.edits = edits
        }
    }
}
