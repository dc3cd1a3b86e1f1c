import Glibc
import SpindleCore

/// Where the libraries that a plugin needs would come from when it is loaded from memory.
struct LibrarySearch {
    /// Where the plugin lies: what `$ORIGIN` means to its author.
    let directory: String

    private static let systemDirectories = [
        "/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib", "/lib/x86_64-linux-gnu",
        "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
    ]

    /// Refuses what could be replaced by others, and what only `$ORIGIN` would find: it does not resolve in memory.
    func check(_ elf: ElfImage) throws(PluginRefusal) {
        var searched: [String] = []
        var origins: [String] = []
        for path in elf.runPaths where !path.isEmpty {
            if path.contains("$ORIGIN") || path.contains("${ORIGIN}") {
                origins.append(
                    path.replacing("${ORIGIN}", with: directory).replacing("$ORIGIN", with: directory)
                )
            } else if path.hasPrefix("/") {
                if Self.exists(path) {
                    do { _ = try TrustedDirectory(Self.resolved(path)) } catch {
                        throw PluginRefusal("its RUNPATH names a directory that is not safe: \(error.reason)")
                    }
                    searched.append(path)
                }
            } else {
                throw PluginRefusal("its RUNPATH has \"\(path)\", which is not absolute")
            }
        }
        for library in elf.needed where !library.contains("/") {
            let isFound = (searched + Self.systemDirectories).contains { Self.exists("\($0)/\(library)") }
            guard !isFound, origins.contains(where: { Self.exists("\($0)/\(library)") }) else { continue }
            throw PluginRefusal(
                "it needs \(library), which only $ORIGIN finds; install it in a system directory or link it statically"
            )
        }
    }

    private static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    private static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }
}
