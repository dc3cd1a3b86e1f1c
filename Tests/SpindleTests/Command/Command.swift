import Glibc
import Synchronization
import TestSupport
import Testing

/// The real program `spindle`, run as its users run it.
final class Command: Sendable {
    /// How a run ended.
    struct Outcome: Sendable {
        /// The exit status; 128 + the signal if one ended it.
        let status: Int32
        let output: String
        let errors: String
    }

    /// The directory with the test bundle: everything that is built lies there.
    static let products: String = {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.split(separator: "/").dropLast().map { "/\($0)" }.joined()
    }()

    let process: pid_t
    /// The lines of standard error as they come.
    private let lines: AsyncStream<String>
    private let end: Task<Outcome, Never>

    /// Starts it.
    ///
    /// - Parameters:
    ///   - arguments: Without the program's name.
    ///   - program: `spindle`, unless a test needs another one around it.
    ///   - environment: All its variables.
    ///   - directory: Where it runs.
    ///   - errorsOnTerminal: Whether its standard error is a terminal; a carriage return ends a line too.
    init(
        _ arguments: [String],
        program: String? = nil,
        environment: [String: String],
        directory: String,
        errorsOnTerminal: Bool = false
    ) throws {
        let program = program ?? "\(Self.products)/spindle"
        try #require(!program.hasPrefix("/") || access(program, X_OK) == 0, "\(program) is not built")
        var output: [Int32] = [-1, -1]
        var errors: [Int32] = [-1, -1]
        // Not pipes: Swift's Glibc has no `pipe2`, and an end that leaks into another test's child would keep this one from ending.
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        try #require(socketpair(AF_UNIX, kind, 0, &output) == 0)
        if errorsOnTerminal {
            errors = try Self.makeTerminal()
        } else {
            try #require(socketpair(AF_UNIX, kind, 0, &errors) == 0)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output[1], 1)
        posix_spawn_file_actions_adddup2(&actions, errors[1], 2)
        var process: pid_t = 0
        let variables = environment.map { "\($0.key)=\($0.value)" }
        let result = Self.withCStrings(["env", "-C", directory, program] + arguments) { arguments in
            Self.withCStrings(variables) { posix_spawn(&process, "/usr/bin/env", &actions, nil, arguments, $0) }
        }
        close(output[1])
        close(errors[1])
        try #require(result == 0)
        self.process = process
        let (lines, continuation) = AsyncStream<String>.makeStream()
        self.lines = lines
        let started = process
        let (read, readErrors) = (output[0], errors[0])
        end = Task {
            async let output = Self.text(of: read) { _ in }
            async let errors = Self.text(of: readErrors) { continuation.yield($0) }
            let (text, errorText) = await (output, errors)
            continuation.finish()
            return Outcome(status: await Self.wait(for: started), output: text, errors: errorText)
        }
    }

    /// Both ends of a terminal of 80 columns: ours and the program's.
    private static func makeTerminal() throws -> [Int32] {
        let ours = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var locked: Int32 = 0
        var number: Int32 = -1
        // TIOCSPTLCK and TIOCGPTN: Swift does not see the functions around them.
        try #require(ours >= 0 && ioctl(ours, 0x4004_5431, &locked) == 0 && ioctl(ours, 0x8004_5430, &number) == 0)
        let theirs = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var size = winsize(ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0)
        try #require(theirs >= 0 && ioctl(theirs, UInt(TIOCSWINSZ), &size) == 0)
        return [ours, theirs]
    }

    /// Waits for a line of standard error that contains a text.
    ///
    /// - Returns: The line; nil if the program ended first.
    func line(containing text: String) async -> String? {
        for await line in lines where line.contains(text) { return line }
        return nil
    }

    func send(_ signal: Int32) { kill(process, signal) }

    /// Waits until it has ended and closed its output.
    var outcome: Outcome {
        get async { await end.value }
    }

    /// Reads to the end on a thread that may block.
    private static func text(of descriptor: Int32, _ onLine: @escaping @Sendable (String) -> Void) async -> String {
        await withCheckedContinuation { continuation in
            BlockingThread.start {
                var bytes: [UInt8] = []
                var lineStart = 0
                var buffer = [UInt8](repeating: 0, count: 4096)
                while true {
                    let count = read(descriptor, &buffer, buffer.count)
                    if count < 0 && errno == EINTR { continue }
                    if count <= 0 { break }
                    bytes += buffer.prefix(count)
                    while let newline = bytes[lineStart...].firstIndex(where: { $0 == 10 || $0 == 13 }) {
                        onLine(String(decoding: bytes[lineStart..<newline], as: UTF8.self))
                        lineStart = newline + 1
                    }
                }
                close(descriptor)
                continuation.resume(returning: String(decoding: bytes, as: UTF8.self))
            }
        }
    }

    private static func wait(for process: pid_t) async -> Int32 {
        await withCheckedContinuation { continuation in
            BlockingThread.start {
                var status: Int32 = 0
                while waitpid(process, &status, 0) < 0 && errno == EINTR {}
                let signal = status & 0x7F
                continuation.resume(returning: signal == 0 ? status >> 8 & 0xFF : 128 + signal)
            }
        }
    }

    private static func withCStrings<Result>(
        _ strings: [String],
        _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        return body(&pointers)
    }
}

/// A directory of a test's own: state, plugins, and the commands that use them.
final class Sandbox: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/spindle-cli-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Only the directories below that the tests know; never a link.
    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        if let directory = opendir(path) {
            while let entry = readdir(directory) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                guard name != ".", name != ".." else { continue }
                if entry.pointee.d_type == UInt8(DT_DIR) { remove("\(path)/\(name)") } else { unlink("\(path)/\(name)") }
            }
            closedir(directory)
        }
        rmdir(path)
    }

    /// Only these: the tests must not see the variables of whoever runs them.
    var environment: [String: String] {
        ["HOME": path, "PATH": "/usr/bin:/bin", "SPINDLE_STATE": "\(path)/state", "TMPDIR": "/tmp"]
    }

    /// Starts `spindle`.
    func start(_ arguments: String..., environment more: [String: String] = [:]) throws -> Command {
        try Command(arguments, environment: environment.merging(more) { $1 }, directory: path)
    }

    /// Starts `spindle` with a terminal for its standard error.
    func startOnTerminal(_ arguments: String...) throws -> Command {
        try Command(arguments, environment: environment, directory: path, errorsOnTerminal: true)
    }

    /// Runs `spindle` to its end.
    @discardableResult
    func run(_ arguments: String..., environment more: [String: String] = [:]) async throws -> Command.Outcome {
        try await Command(arguments, environment: environment.merging(more) { $1 }, directory: path).outcome
    }

    /// Runs `spindle` to its end.
    func run(_ arguments: [String]) async throws -> Command.Outcome {
        try await Command(arguments, environment: environment, directory: path).outcome
    }

    /// Runs a line of shell to its end.
    func shell(_ line: String) async throws -> Command.Outcome {
        try await Command(["-c", line], program: "/bin/sh", environment: environment, directory: path).outcome
    }

    /// Puts the script plugin where the host looks.
    func addScriptPlugin() async throws { try await addPlugin("script") }

    /// Puts a plugin of this build where the host looks, under its own name or another.
    func addPlugin(_ plugin: String, as name: String? = nil) async throws {
        let file = "\(Command.products)/libspindle-plugin-\(plugin).so"
        let added = try await run("plugins", "add", file, "--as", name ?? plugin)
        try #require(added.status == 0, "\(added.errors)")
    }

    /// A place where a job says that it runs: it writes a line there, and ``meet(_:)`` returns.
    ///
    /// Each meeting has a point of its own: at the same one, somebody late could meet who is about to leave.
    func makeMeetingPoint(_ name: String = "meeting") throws -> String {
        let fifo = "\(path)/\(name)"
        try #require(mkfifo(fifo, 0o600) == 0)
        return fifo
    }

    /// Waits for a job at a meeting point.
    func meet(_ fifo: String) async {
        await withCheckedContinuation { continuation in
            BlockingThread.start {
                // Opening waits for the one who writes.
                let descriptor = open(fifo, O_RDONLY | O_CLOEXEC)
                if descriptor >= 0 { close(descriptor) }
                continuation.resume()
            }
        }
    }

    /// Starts a host and waits until it listens.
    func serve() async throws -> Command {
        let host = try start("serve")
        guard await host.line(containing: "listening at") != nil else {
            let outcome = await host.outcome
            Issue.record("the host ended with \(outcome.status): \(outcome.errors)")
            throw CancellationError()
        }
        return host
    }
}
