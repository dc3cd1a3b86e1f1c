public import SpindleCore
public import SpindleEngine
public import SpindlePlugins

/// Everything that an operator can set of a host; ``ConfigurationKey/all`` names each setting.
public struct HostConfiguration: Sendable {
    /// Where executions are kept.
    public enum Store: Hashable, Sendable {
        /// In memory: nothing survives the process.
        case memory
        /// In an SQLite file.
        case sqlite(path: String)

        /// The form that `--store` and the key `store` take.
        public var url: String {
            switch self {
            case .memory: "memory:"
            case .sqlite(let path): "sqlite:\(path)"
            }
        }
    }

    /// How the host writes its own log.
    public enum LogFormat: String, Hashable, Sendable, CaseIterable {
        /// Lines for people.
        case text
        /// One JSON object a line.
        case json
    }

    /// Slots, defaults of a job's policy, shutdown and retention.
    public var engine = EngineConfiguration()
    /// Where executions are kept; nil is `spindle.db` in the state directory.
    public var store: Store?
    /// Where the host keeps its files; nil asks the environment (``StateDirectory``).
    public var state: String?
    /// Where the host listens for local commands; nil is the store's path with `.sock`.
    public var socket: String?
    /// Where plugins lie; nil is `plugins` in the state directory.
    public var pluginDirectory: String?
    /// The `spindle-worker` to use; nil looks beside the running program and in `../libexec/spindle`.
    public var workerPath: String?
    /// What a file of the plugin directory must show before it is used.
    public var pluginTrust: TrustPolicy = .directory
    /// Microseconds that a plugin's probe may take.
    public var probeTimeout: Int64 = 10_000_000
    /// How new versions of plugins are taken while the host runs.
    public var reload = ReloadSettings()
    /// What becomes of plugins that change what their whole process shares.
    public enum Hygiene: String, Hashable, Sendable, CaseIterable {
        /// It is shown; in the host itself, what could hurt others is refused.
        case report
        /// They are refused, unless their sidecar allows it.
        case refuse
    }

    /// What becomes of plugins that change what their whole process shares.
    public var hygiene = Hygiene.report
    /// Crashes of a plugin's workers within ``quarantineWindow`` after which its jobs wait; 0 is never.
    public var quarantineAfter: Int32 = 3
    /// Microseconds within which crashes of a plugin count together.
    public var quarantineWindow: Int64 = 300_000_000
    /// The directory with a file for each secret; nil is systemd's credentials, if there are any.
    public var secretsDirectory: String?
    /// Off only where a test shows what would come out.
    package var isRedacting = true
    /// The least level of the host's own log.
    public var logLevel: LogLevel = .info
    /// How the host writes its own log.
    public var logFormat: LogFormat = .text

    /// The defaults.
    public init() {}
}
