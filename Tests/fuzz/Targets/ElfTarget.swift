import SpindleCore

@testable import SpindlePlugins

/// Any bytes as a shared library.
enum ElfTarget {
    static func test(_ bytes: [UInt8]) {
        symbols(bytes)
        exports(bytes)
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

    /// What a file exports.
    private static func exports(_ bytes: [UInt8]) {
        let names = bytes.withUnsafeBytes { ElfSymbols(bytes: $0).exports }
        check(names.count <= bytes.count / 24, "each name has a symbol")
        check(names.allSatisfy { !$0.isEmpty && $0.utf8.count <= 3 * ElfSymbols.longestName }, "a name has a bound")
    }

    /// What names are found for addresses, also where the file says where to look.
    private static func symbols(_ bytes: [UInt8]) {
        var addresses: [UInt64] = [0, 1, 0x1000, 0x1139, .max]
        for at in stride(from: 0, to: min(bytes.count, 512) / 8 * 8, by: 8) {
            addresses.append((0..<8).reduce(0) { $0 | UInt64(bytes[at + $1]) << (8 * UInt64($1)) })
        }
        let found = bytes.withUnsafeBytes { ElfSymbols(bytes: $0).names(of: addresses) }
        for (address, symbol) in found {
            check(!symbol.name.isEmpty && symbol.name.utf8.count <= 3 * ElfSymbols.longestName, "a name has a bound")
            check(symbol.offset <= address, "an address lies behind the beginning of its function")
        }
    }
}
