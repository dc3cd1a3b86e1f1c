import Glibc

/// Directories of libraries that the system knows and that no sandbox has anyway.
enum SystemLibraries {
    /// From `/etc/ld.so.conf` and what it includes. Blocks shortly.
    static func additional() -> [String] {
        let included = SmallFile.names(in: "/etc/ld.so.conf.d").filter { $0.hasSuffix(".conf") }.sorted()
        let files = ["/etc/ld.so.conf"] + included.map { "/etc/ld.so.conf.d/\($0)" }
        var directories: [String] = []
        for line in files.flatMap({ SmallFile.text($0).split(separator: "\n") }) {
            let path = String(line.prefix { $0 != "#" && $0 != " " && $0 != "\t" })
            if let real = real(path), !directories.contains(real) { directories.append(real) }
        }
        return directories
    }

    /// Nil if it is not there, or in a directory that every sandbox has.
    private static func real(_ path: String) -> String? {
        guard path.hasPrefix("/"), let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        let text = String(cString: resolved)
        return isEverywhere(text) ? nil : GrantedPath.clean(text)
    }

    /// Whether every sandbox has a path.
    static func isEverywhere(_ path: String) -> Bool {
        ["/usr", "/lib", "/lib32", "/lib64", "/libx32"].contains { GrantedPath.contains($0, path) }
    }
}
