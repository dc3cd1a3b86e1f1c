package import SpindleCore

/// What our own reader finds in a shared library, without loading it: `dlopen` of a broken file can kill the process.
///
/// Reads what the dynamic loader reads (program headers and the dynamic section, not the section headers), and checks every offset against
/// the file's size. (System V ABI, ELF-64; GNU hash: "GNU Hash ELF Sections", A. Roenky.)
package struct ElfImage: Hashable, Sendable {
    /// Libraries that it needs, by name.
    package var needed: [String] = []
    /// Directories that it wants to search.
    package var runPaths: [String] = []

    /// More libraries and directories than this are refused.
    package static let maxNames = 256

    /// The function that every plugin exports.
    package static let factorySymbol = "spindle_executor_factory_v1"

    /// Reads and checks an image.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - machine: The `e_machine` that this host can run.
    /// - Throws: `plugin` with the reason for the first thing that is wrong.
    package init(_ bytes: [UInt8], machine: UInt16 = ElfImage.hostMachine) throws(SpindleError) {
        let result = bytes.withUnsafeBytes { raw in
            Result { () throws(SpindleError) in
                var reader = ElfReader(bytes: raw)
                return try reader.read(machine: machine)
            }
        }
        self = try result.get()
    }

    init(needed: [String], runPaths: [String]) {
        self.needed = needed
        self.runPaths = runPaths
    }

    /// `EM_X86_64` or `EM_AARCH64`: what this program was built for.
    package static var hostMachine: UInt16 {
        #if arch(x86_64)
        62
        #elseif arch(arm64)
        183
        #else
        0
        #endif
    }
}
