public import Logging
public import SpindleCore

/// What a plugin host needs to know.
public struct PluginHostConfiguration: Sendable {
    /// The directory with the plugins and their sidecars; nil if there is none.
    public var directory: String?
    /// Whether the directory may be missing, for now or for ever.
    public var mayBeMissing = false
    /// Where facts that can be found out again are kept; nil keeps none.
    public var stateDirectory: String?
    /// The program `spindle-worker`; nil looks beside the running program and in `../libexec/spindle`.
    public var workerPath: String?
    /// How long a plugin may take to be loaded in a throw-away process, in microseconds.
    public var probeTimeout: Int64
    /// Microseconds between two steps against code that does not end when it should: asked, SIGTERM, SIGKILL.
    public var cancelGrace: Int64 {
        didSet { pool.followGrace(cancelGrace) }
    }
    /// Types that are served by others: a plugin that claims one is in conflict.
    public var reservedTypes: Set<String>
    /// How new versions of plugins are taken while the host runs.
    public var reload: ReloadSettings
    /// What a file of the directory must show before it is used.
    public var trust: TrustPolicy
    /// The directory with a file for each secret; nil if there is none.
    public var secretsDirectory: String?
    /// Whether systemd made that directory (`$CREDENTIALS_DIRECTORY`).
    public var hasSystemdCredentials = false
    /// Told to plugins.
    public var hostVersion: String
    /// For what belongs to no attempt.
    public var logger: Logger
    /// Time.
    public var clock: any HostClock
    /// Which changes of their process plugins may make.
    var hygiene = HygienePolicy()
    /// Whether a plugin is refused that changes what its whole process shares, also in a worker process, unless its sidecar allows it.
    public var refusesChanges: Bool {
        get { hygiene.refuses }
        set { hygiene.refuses = newValue }
    }
    /// When a plugin is quarantined.
    var breaker = PluginBreaker.Settings()
    /// Crashes of a plugin's workers within ``quarantineWindow`` after which it gets no more work; 0 … 1,000, 0 is never.
    public var quarantineAfter: Int32 {
        get { Int32(clamping: breaker.crashes) }
        set { breaker.crashes = Int(min(max(newValue, 0), 1000)) }
    }
    /// Microseconds, from a second to a day.
    public var quarantineWindow: Int64 {
        get { breaker.window }
        set { breaker.window = min(max(newValue, 1_000_000), 86_400_000_000) }
    }
    /// How pools of workers behave; tests shorten its times.
    var pool = WorkerPoolSettings()

    /// Layers that sandboxes do without, so that tests can show what each is for.
    var withoutLayers: SandboxLayers = []
    /// Off only where a test shows what would come out.
    package var isRedacting = true

    var secrets: SecretSource? {
        secretsDirectory.map { SecretSource(directory: $0, isCredentials: hasSystemdCredentials) }
    }

    /// Describes a plugin host.
    public init(
        directory: String?,
        stateDirectory: String? = nil,
        workerPath: String? = nil,
        probeTimeout: Int64 = 5_000_000,
        cancelGrace: Int64 = 5_000_000,
        reload: ReloadSettings = ReloadSettings(),
        reservedTypes: Set<String> = [],
        trust: TrustPolicy = .directory,
        hostVersion: String = "1.0.0",
        logger: Logger = Logger(label: "spindle.plugins"),
        clock: any HostClock = SystemClock()
    ) {
        self.directory = directory
        self.stateDirectory = stateDirectory
        self.workerPath = workerPath
        self.probeTimeout = probeTimeout
        self.cancelGrace = cancelGrace
        self.reload = reload
        self.reservedTypes = reservedTypes
        self.trust = trust
        self.hostVersion = hostVersion
        self.logger = logger
        self.clock = clock
        pool.followGrace(cancelGrace)
    }
}
