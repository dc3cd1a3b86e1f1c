import Spindle
import SpindleCore
import SpindleEngine
import Testing

@Suite("Configuration layers")
struct ConfigurationLoaderTests {
    private func load(
        _ environment: [String: String] = [:],
        files: [String: String] = [:],
        file: String? = nil,
        flags: [(String, String)] = []
    ) throws(SpindleError) -> LoadedConfiguration {
        let loader = ConfigurationLoader(environment: environment) { path throws(SpindleError) in
            files[path].map { Array($0.utf8) }
        }
        return try loader.load(
            file: file,
            flags: flags.map { ConfigurationLoader.Flag(name: "--set", key: $0.0, value: $0.1) }
        )
    }

    private func slots(_ loaded: LoadedConfiguration) -> (Int32, String) {
        let origin = ConfigurationKey.named("executionEngine.maxConcurrentJobs").map { loaded.origin(of: $0) }
        return (loaded.configuration.engine.maxConcurrentJobs, "\(origin ?? .byDefault)")
    }

    @Test("flags win over the environment, that over the original's names, those over the file, that over defaults")
    func precedence() throws {
        let files = ["spindle.yaml": "log:\n  level: debug\nexecutionEngine:\n  maxConcurrentJobs: 2"]
        let original = ["ExecutionEngine__MaxConcurrentJobs": "3"]
        let ours = original.merging(["SPINDLE_EXECUTION_ENGINE_MAX_CONCURRENT_JOBS": "4"]) { $1 }
        let key = "executionEngine.maxConcurrentJobs"
        #expect(try slots(load()) == (10, "default"))
        #expect(try slots(load(files: files)) == (2, "spindle.yaml:4"))
        #expect(try slots(load(original, files: files)) == (3, "$ExecutionEngine__MaxConcurrentJobs"))
        #expect(try slots(load(ours, files: files)) == (4, "$SPINDLE_EXECUTION_ENGINE_MAX_CONCURRENT_JOBS"))
        #expect(try slots(load(ours, files: files, flags: [(key, "5"), (key.uppercased(), "6")])) == (6, "--set"))
        #expect(try load(ours, files: files).configuration.logLevel == .debug)
    }

    @Test("the file is --config, else SPINDLE_CONFIG, else spindle.yaml if it is there")
    func file() throws {
        let files = ["a": "log: {level: error}", "b": "log: {level: trace}", "spindle.yaml": "log: {level: notice}"]
        let environment = ["SPINDLE_CONFIG": "b"]
        #expect(try load(environment, files: files, file: "a").configuration.logLevel == .error)
        #expect(try load(environment, files: files).configuration.logLevel == .trace)
        #expect(try load(files: files).configuration.logLevel == .notice)
        #expect(try load().configuration.logLevel == .info)
        #expect(throws: SpindleError(.configuration, "There is no configuration file c.")) { try load(file: "c") }
    }

    @Test("bad variables and flags are told with their name")
    func refused() {
        #expect(
            throws: SpindleError(
                .configuration,
                "$SPINDLE_EXECUTION_ENGINE_DEFAULT_RETRY_COUNT: executionEngine.defaultRetryCount is \"many\"; "
                    + "a whole number from 0 to 1000 is allowed."
            )
        ) { try load(["SPINDLE_EXECUTION_ENGINE_DEFAULT_RETRY_COUNT": "many"]) }
        #expect(
            throws: SpindleError(
                .configuration,
                "$SPINDLE_LOG_LEVLE: unknown key; the nearest known one is \"SPINDLE_LOG_LEVEL\"."
            )
        ) { try load(["SPINDLE_LOG_LEVLE": "info"]) }
        #expect(
            throws: SpindleError(
                .configuration,
                "$ExecutionEngine__MaxConcurentJobs: unknown key; "
                    + "the nearest known one is \"ExecutionEngine__MaxConcurrentJobs\"."
            )
        ) { try load(["ExecutionEngine__MaxConcurentJobs": "1"]) }
        #expect(
            throws: SpindleError(.configuration, "--set: unknown key \"log.levle\"; the nearest known one is \"log.level\".")
        ) { try load(flags: [("log.levle", "info")]) }
    }

    @Test("variables of others are left alone, and empty ones set nothing")
    func others() throws {
        let environment = ["SPINDLE_PARAM_X": "1", "SPINDLE_EXECUTION_ID": "2", "SPINDLE_STORE": "", "Other__Thing": "3"]
        #expect(try load(environment).origins.isEmpty)
    }

    @Test("what runs as the worker never comes from the environment")
    func workerPath() throws {
        let loaded = try? load(["SPINDLE_PLUGINS_WORKER_PATH": "/tmp/evil", "Plugins__WorkerPath": "/tmp/evil"])
        #expect(loaded?.configuration.workerPath == nil)
    }

    @Test("the value of every key can be read back as it is shown")
    func roundTrip() throws {
        let samples = [
            "executionEngine.retryJitter": "2.5%", "executionEngine.typeLimits": "http=5,script=2", "store": "sqlite:/x/y.db",
            "state": "/s", "socket": "/s/k", "plugins.directory": "/p", "plugins.workerPath": "/w",
            "secrets.directory": "/c",
        ]
        for key in ConfigurationKey.all {
            let value = samples[key.name] ?? key.defaultValue
            let loaded = try load(flags: [(key.name, value)])
            #expect(key.value(in: loaded.configuration) == value, "\(key.name)")
        }
    }

    @Test("a share is a fraction or a percentage")
    func jitter() throws {
        for (text, permille) in [("0", 0), ("0.25", 250), ("1", 1000), ("100%", 1000), ("7.5%", 75)] {
            let loaded = try load(flags: [("executionEngine.retryJitter", text)])
            #expect(loaded.configuration.engine.defaultPolicy.retry.jitterPermille == Int32(permille))
        }
        for text in ["1.1", "-1", "101%", "nan", "inf", "1e3", "", "%"] {
            #expect(throws: SpindleError.self) { try load(flags: [("executionEngine.retryJitter", text)]) }
        }
    }
}

@Suite("Places of a host")
struct HostPlacesTests {
    private func places(_ set: (inout HostConfiguration) -> Void = { _ in }, _ environment: [String: String]) throws -> HostPlaces {
        var configuration = HostConfiguration()
        set(&configuration)
        return try HostPlaces(configuration, environment: environment, workingDirectory: "/here")
    }

    @Test("the state directory is what was set, else STATE_DIRECTORY, XDG_STATE_HOME, HOME")
    func state() throws {
        var environment = ["HOME": "/home/a"]
        #expect(try places(environment).state == "/home/a/.local/state/spindle")
        environment["XDG_STATE_HOME"] = "relative"
        #expect(try places(environment).state == "/home/a/.local/state/spindle")
        environment["XDG_STATE_HOME"] = "/xdg"
        #expect(try places(environment).state == "/xdg/spindle")
        environment["STATE_DIRECTORY"] = "/var/lib/one:/var/lib/two"
        #expect(try places(environment).state == "/var/lib/one")
        #expect(try places({ $0.state = "mine" }, environment).state == "/here/mine")
        #expect(throws: SpindleError.self) { try places([:]) }
    }

    @Test("store, socket and plugins follow the state directory unless they are set")
    func others() throws {
        let usual = try places(["STATE_DIRECTORY": "/s"])
        #expect(usual.store == .sqlite(path: "/s/spindle.db"))
        #expect(usual.socket == "/s/spindle.db.sock")
        #expect(usual.plugins == "/s/plugins")
        let set = try places(
            {
                $0.store = .sqlite(path: "d/x.db"); $0.pluginDirectory = "p"
            },
            ["STATE_DIRECTORY": "/s"]
        )
        #expect(set.store == .sqlite(path: "/here/d/x.db"))
        #expect(set.socket == "/here/d/x.db.sock")
        #expect(set.plugins == "/here/p")
        #expect(try places({ $0.store = .memory }, ["STATE_DIRECTORY": "/s"]).socket == "/s/memory.sock")
        let long = "/" + String(repeating: "x", count: 120)
        #expect(throws: SpindleError.self) { try places(["STATE_DIRECTORY": long]) }
    }

    private func places(_ environment: [String: String]) throws -> HostPlaces { try places({ _ in }, environment) }

    @Test(
        "a store is named by a URL or a path to a .db file",
        arguments: [
            ("memory:", "memory:"), ("MEMORY:", "memory:"), ("sqlite:/a/b", "sqlite:/a/b"), ("sqlite:///a/b", "sqlite:/a/b"),
            ("sqlite:a", "sqlite:a"), ("a/b.db", "sqlite:a/b.db"), ("sqlite:", nil), ("sqlite://host/a", nil), ("", nil),
            ("postgres://x", nil), ("sqlite:/a/", nil),
        ]
    )
    func url(_ text: String, _ expected: String?) { #expect(HostConfiguration.Store(url: text)?.url == expected) }
}
