import SpindleCore
import SpindlePlugins

/// Any bytes as a shared library.
enum ElfTarget {
    static func test(_ bytes: [UInt8]) {
        do throws(SpindleError) {
            let image = try ElfImage(bytes, machine: ElfImage.hostMachine)
            let names = image.needed + image.runPaths
            check(names.allSatisfy { !$0.utf8.contains(0) }, "a name ends at its NUL")
            check(names.count <= ElfImage.maxNames, "a file's names have a bound; there are \(names.count)")
            // A byte that is not UTF-8 becomes three.
            check(names.allSatisfy { $0.utf8.count <= 3 * 4096 }, "a name has a bound")
        } catch {
            check(error.code == .plugin, "a refusal is one of a plugin")
            check(!error.message.isEmpty && error.message.utf8.count < 512, "a refusal is a sentence")
        }
    }
}
