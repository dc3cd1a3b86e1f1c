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

    /// The directories of an image's RUNPATH that are there, without symbolic links.
    static func named(_ runPaths: [String]) -> [String] {
        runPaths.reduce(into: []) { found, path in
            if let real = real(path), !found.contains(real) { found.append(real) }
        }
    }

    /// Nil if it is not there, or in a directory that every sandbox has.
    private static func real(_ path: String) -> String? {
        guard path.hasPrefix("/"), let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        let text = String(cString: resolved)
        let isThere = ["/usr", "/lib", "/lib32", "/lib64", "/libx32"].contains { GrantedPath.contains($0, text) }
        return isThere ? nil : GrantedPath.clean(text)
    }
}
