import FoundationEssentials
import Glibc
import SpindleCore
import Synchronization
import Testing

/// A directory of one test's own, gone afterwards; plugins are compiled into it.
final class Workspace: Sendable {
    let path: String
    var plugins: String { "\(path)/plugins" }
    var state: String { "\(path)/state" }

    init() throws {
        var template = Array("/tmp/spindle-plugins-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer -> String? in
            guard let base = buffer.baseAddress, mkdtemp(base) != nil else { return nil }
            return String(cString: base)
        }
        path = try #require(made)
        try #require(mkdir("\(path)/plugins", 0o755) == 0)
        try #require(mkdir("\(path)/state", 0o700) == 0)
    }

    deinit {
        // A test of permissions may have taken the right to look into it away.
        chmod(plugins, 0o755)
        remove()
    }

    private func remove() { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file.
    func write(_ text: String, to name: String, mode: mode_t = 0o644) throws {
        try Data(text.utf8).write(to: URL(filePath: "\(plugins)/\(name)"))
        try #require(chmod("\(plugins)/\(name)", mode) == 0)
    }

    /// Compiles a fixture, or the given source, to a shared library in the plugin directory.
    func compile(_ fixture: String, source: String? = nil, as name: String, flags: [String] = []) throws {
        let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
        var input = "\(fixtures)/Fixtures/\(fixture).c"
        if let source {
            input = "\(path)/\(name).c"
            try Data(source.utf8).write(to: URL(filePath: input))
        }
        let header = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "PluginSDK/c/include").path
        let output = "\(plugins)/\(name).so"
        let arguments =
            ["cc", "-std=gnu11", "-O1", "-shared", "-fPIC", "-fvisibility=hidden", "-I", header, input, "-o", output]
            + ["-pthread"] + flags
        try #require(Workspace.run(arguments) == 0, "\(arguments.joined(separator: " "))")
        try #require(chmod(output, 0o644) == 0)
    }

    /// The plugin `zoo`, compiled once for all tests.
    func addZoo(as name: String = "zoo") throws {
        let zoo = try Self.zoo.get()
        let target = URL(filePath: "\(plugins)/\(name).so")
        try FileManager.default.copyItem(at: URL(filePath: "\(zoo.plugins)/zoo.so"), to: target)
        try #require(chmod(target.path, 0o644) == 0)
    }

    private static let zoo = Result<Workspace, any Error> {
        let workspace = try Workspace()
        try workspace.compile("zoo", as: "zoo")
        // Nothing tears a static down.
        lasting.withLock { $0.append(workspace) }
        atexit { Workspace.lasting.withLock { for workspace in $0 { workspace.remove() } } }
        return workspace
    }

    private static let lasting = Mutex<[Workspace]>([])

    /// Runs a program to its end.
    static func run(_ arguments: [String]) -> Int32 {
        var pid: pid_t = 0
        let words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        let environment: [UnsafeMutablePointer<CChar>?] = [strdup("PATH=/usr/local/bin:/usr/bin:/bin"), nil]
        defer { for word in words + environment { free(word) } }
        guard posix_spawnp(&pid, arguments[0], nil, nil, words, environment) == 0 else { return -1 }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        return status
    }

    /// Whether the tests run under a sanitizer (`Scripts/sanitize`).
    static let isSanitized = getenv("SPINDLE_TEST_WORKER") != nil

    /// Where the programs of this build lie; `SPINDLE_TEST_WORKER` names another worker (`Scripts/sanitize`).
    static let worker: String = {
        if let path = getenv("SPINDLE_TEST_WORKER") { return String(cString: path) }
        let size = Int(PATH_MAX)
        let program = withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { buffer -> String in
            guard let base = buffer.baseAddress, case let count = readlink("/proc/self/exe", base, size - 1), count > 0
            else { return "" }
            base[count] = 0
            return String(cString: base)
        }
        // The tests may be run by a helper that lies elsewhere: then look where the build puts its products.
        let beside = URL(filePath: program).deletingLastPathComponent().appending(path: "spindle-worker").path
        if access(beside, X_OK) == 0 { return beside }
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().path
        return "\(root)/.build/debug/spindle-worker"
    }()
}
