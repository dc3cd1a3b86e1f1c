import Glibc
import SpindleCore

/// A directory that nobody but root and us can change, down from the root.
struct TrustedDirectory {
    let descriptor: Descriptor
    let path: String

    /// Opens it component by component; no symbolic link is followed.
    ///
    /// - Throws: With the component that is wrong.
    init(_ given: String) throws(PluginRefusal) {
        path = try Self.absolute(given)
        var current = try Self.openRoot()
        var walked = ""
        try Self.check(current, "/", isLast: path == "/")
        let components = path.split(separator: "/").map(String.init)
        for (index, component) in components.enumerated() {
            walked += "/\(component)"
            let number = openat(current.number, component, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard number >= 0 else {
                if errno == ENOTDIR || errno == ELOOP {
                    throw PluginRefusal("\(walked) is not a directory (symbolic links are not followed)")
                }
                throw PluginRefusal("\(walked) cannot be opened: \(SystemCall.lastError)")
            }
            current = Descriptor(number)
            try Self.check(current, walked, isLast: index == components.count - 1)
        }
        descriptor = current
    }

    private static func absolute(_ given: String) throws(PluginRefusal) -> String {
        var parts: [Substring] = []
        var text = given
        if !given.hasPrefix("/") {
            guard let working = getcwd(nil, 0) else {
                throw PluginRefusal("the working directory cannot be found: \(SystemCall.lastError)")
            }
            defer { free(working) }
            text = String(cString: working) + "/" + given
        }
        for part in text.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    private static func openRoot() throws(PluginRefusal) -> Descriptor {
        let number = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw PluginRefusal("/ cannot be opened: \(SystemCall.lastError)") }
        return Descriptor(number)
    }

    private static func check(_ directory: Descriptor, _ path: String, isLast: Bool) throws(PluginRefusal) {
        var status = stat()
        guard fstat(directory.number, &status) == 0 else {
            throw PluginRefusal("\(path) cannot be examined: \(SystemCall.lastError)")
        }
        guard status.st_uid == 0 || status.st_uid == geteuid() else {
            throw PluginRefusal("\(path) belongs to user \(status.st_uid), not to root or to user \(geteuid())")
        }
        guard status.st_mode & 0o022 != 0 else { return }
        // In a sticky directory only the owner of an entry can replace it, and the next component's owner is checked.
        if !isLast && status.st_uid == 0 && status.st_mode & 0o1000 != 0 { return }
        throw PluginRefusal("\(path) can be written by others (mode \(FileMode.text(status.st_mode))); chmod go-w it")
    }
}

/// Modes of files, for messages.
enum FileMode {
    /// The permission bits, such as `0644`.
    static func text(_ mode: UInt32) -> String {
        let digits = String(mode & 0o7777, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
