import FoundationEssentials
import Glibc
import Logging
import Spindle
import SpindleCore
import SpindleEngine
import TestSupport
import Testing

@testable import SpindlePlugins

/// A secret goes through a whole host on every way that a job has, and is looked for wherever it could lie.
@Suite("Canary", .timeLimit(.minutes(5)))
struct CanaryTests {
    private static let canary = "c4nary/+ \"bird\" of-prey~0815"
    private static let forms = Array(canary.utf8).withUnsafeBytes { SecretPatterns.all(of: $0) }

    /// Scripts that give away what they know, each in its own way.
    private static let scripts = [
        "cat $F", "cat $F >&2", "base64 -w0 $F", "base64 -w0 $F | tr +/ -_", "(printf x; cat $F) | base64 -w0",
        "python3 -c \"import json,os,urllib.parse as u; s=open(os.environ['F']).read(); print(json.dumps(s), u.quote(s), u.quote_plus(s))\"",
        "cat $F >&2; exit 3", "cat $F; cat $F >&2; kill -SEGV $PPID; sleep 60",
    ]

    @Test("is found nowhere; where nothing is hidden, it is found", arguments: [true, false])
    func canary(isHidden: Bool) async throws {
        let sandbox = try Sandbox()
        try await sandbox.addScriptPlugin()
        try Self.write("secrets: [token]\nconcurrency: 1\n", to: "\(sandbox.path)/state/plugins/script.yaml", mode: 0o644)
        let secrets = "\(sandbox.path)/secrets"
        try #require(mkdir(secrets, 0o700) == 0)
        try Self.write(Self.canary, to: "\(secrets)/token", mode: 0o400)
        var configuration = HostConfiguration()
        configuration.state = "\(sandbox.path)/state"
        configuration.workerPath = "\(Command.products)/spindle-worker"
        configuration.secretsDirectory = secrets
        configuration.isRedacting = isHidden
        let said = SaidLines()
        var found: [String: Bool] = [:]
        try await Self.run(configuration, sandbox, said.logger) { host in
            for (index, script) in Self.scripts.enumerated() {
                let id = try await host.submit(Self.submission("F=$SPINDLE_SECRET_token_FILE; export F; \(script)")).id
                _ = try await host.wait(for: id)
                for words in [["show", "\(id)", "--json"], ["logs", "\(id)"], ["output", "\(id)"]] {
                    let told = try await sandbox.run(["executions"] + words)
                    found["\(words[0]) of \(index)"] = Self.holds(Array((told.output + told.errors).utf8))
                }
            }
            try await Self.lookWhileRunning(host, sandbox, &found)
        }
        found["the host's log"] = Self.holds(Array(said.text.utf8))
        for file in try Self.files(in: "\(sandbox.path)/state") { found[file.name] = Self.holds(file.bytes) }
        let places = found.filter(\.value).keys.sorted()
        if isHidden {
            #expect(places.isEmpty)
            // It was there: what hides it shows.
            #expect(try Self.files(in: "\(sandbox.path)/state").contains { Self.contains($0.bytes, Array("***".utf8)) })
        } else {
            // On each way out, and in what is kept.
            // What a worker that dies still had to say may be lost with it.
            for index in Self.scripts.indices.dropLast() {
                #expect(places.contains { $0.hasSuffix(" of \(index)") }, "\(Self.scripts[index])")
            }
            #expect(places.contains { $0.contains("spindle.db") }, "\(places)")
        }
        #expect(found["arguments and variables"] == false, "they have none, whatever is hidden")
    }

    /// While a program has the secret open, no process shows it.
    private static func lookWhileRunning(_ host: Host, _ sandbox: Sandbox, _ found: inout [String: Bool]) async throws {
        for name in ["up", "go"] { try #require(mkfifo("\(sandbox.path)/\(name)", 0o600) == 0) }
        let script = "exec 9<$SPINDLE_SECRET_token_FILE; echo >\(sandbox.path)/up; read x <\(sandbox.path)/go"
        let id = try await host.submit(submission(script)).id
        #expect(try await sandbox.shell("cat up").status == 0)
        var processes = 0
        var isShown = false
        for process in try directory("/proc") where process.allSatisfy(\.isNumber) {
            for file in ["cmdline", "environ"] {
                guard let bytes = read("/proc/\(process)/\(file)") else { continue }
                processes += 1
                isShown = isShown || holds(bytes)
            }
        }
        #expect(processes > 4, "the host, the worker and the program were looked at")
        found["arguments and variables"] = isShown
        #expect(try await sandbox.shell("echo >go").status == 0)
        #expect(try await host.wait(for: id).state == .succeeded)
    }

    private static func submission(_ script: String) -> Submission {
        Submission(
            Job(
                id: JobID(UUIDv7(high: 7 << 12, low: 1)),
                executorType: "script",
                target: "",
                parameters: ["Shell": "sh", "Script": script, "token": "secret://token"],
                policy: PolicyOverrides(maxRetries: 0)
            )
        )
    }

    private static func run(
        _ configuration: HostConfiguration,
        _ sandbox: Sandbox,
        _ logger: Logger,
        _ body: (Host) async throws -> Void
    ) async throws {
        let listening = AsyncStream<Void>.makeStream()
        let host = try await Host(
            configuration,
            environment: sandbox.environment,
            logger: logger,
            onListening: { listening.continuation.finish() }
        )
        let running = Task {
            defer { listening.continuation.finish() }
            try await host.run()
        }
        for await _ in listening.stream {}
        let result: Result<Void, any Error>
        do { result = .success(try await body(host)) } catch { result = .failure(error) }
        running.cancel()
        _ = await running.result
        try result.get()
    }

    // MARK: Looking

    /// Whether one of the secret's forms stands in bytes.
    private static func holds(_ bytes: [UInt8]) -> Bool { forms.contains { contains(bytes, $0) } }

    private static func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { !Redaction([part]).find($0).found.isEmpty }
    }

    private static func directory(_ path: String) throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path) }

    private static func files(in path: String) throws -> [(name: String, bytes: [UInt8])] {
        try directory(path).flatMap { name -> [(name: String, bytes: [UInt8])] in
            let inner = "\(path)/\(name)"
            var status = stat()
            guard lstat(inner, &status) == 0 else { return [] }
            if status.st_mode & S_IFMT == S_IFDIR { return try files(in: inner) }
            guard status.st_mode & S_IFMT == S_IFREG, let bytes = read(inner) else { return [] }
            return [(inner, bytes)]
        }
    }

    private static func read(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = Glibc.read(descriptor, &buffer, buffer.count), count > 0 { result += buffer[..<count] }
        return result
    }

    private static func write(_ text: String, to path: String, mode: mode_t) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
        try #require(chmod(path, mode) == 0)
    }
}
