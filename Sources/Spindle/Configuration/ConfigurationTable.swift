import SpindleCore
import SpindleEngine
import SpindlePlugins

extension ConfigurationKey {
    /// Every setting there is, in the order of the documentation.
    public static let all: [ConfigurationKey] = engineKeys + placeKeys + reloadKeys + retentionKeys + logKeys

    private static let engineKeys: [ConfigurationKey] = [
        .integer(
            "executionEngine.maxConcurrentJobs",
            Limits.slots,
            \.engine.maxConcurrentJobs,
            "Attempts that may run at once on this host."
        ),
        .duration(
            "executionEngine.defaultTimeoutSeconds",
            Limits.timeout,
            \.engine.defaultPolicy.timeout,
            inSeconds: true,
            "Time limit of each attempt of a job that sets none."
        ),
        .integer(
            "executionEngine.defaultRetryCount",
            Limits.retries,
            \.engine.defaultPolicy.retry.maxRetries,
            "Retries after the first try of a job that sets none: 3 means up to 4 attempts."
        ),
        .choice(
            "executionEngine.retryDelayStrategy",
            [("Exponential", RetryPolicy.Strategy.exponential), ("Linear", .linear), ("Fixed", .fixed), ("None", .none)],
            \.engine.defaultPolicy.retry.strategy,
            "How waits grow: base × 1, 2, 4, 8 …; base × 1, 2, 3 …; base each time; no retry at all."
        ),
        .duration(
            "executionEngine.retryBaseDelay",
            1000...3_600_000_000,
            \.engine.defaultPolicy.retry.baseDelay,
            "The first wait before a retry."
        ),
        .duration(
            "executionEngine.retryMaxDelay",
            1000...3_600_000_000,
            \.engine.defaultPolicy.retry.maxDelay,
            "The longest wait before a retry; an executor that asks for more by `retry_after` gets it."
        ),
        .share(
            "executionEngine.retryJitter",
            \.engine.defaultPolicy.retry.jitterPermille,
            "The largest share of a wait that chance may add; it never shortens."
        ),
        typeLimits,
        .duration(
            "executionEngine.cancelGrace",
            1000...300_000_000,
            \.engine.cancelGrace,
            "From asking an attempt to end until its outcome is fixed and harder means are used."
        ),
        .duration(
            "executionEngine.drainTimeout",
            0...86_400_000_000,
            \.engine.drainTimeout,
            "How long a shutdown lets running attempts go on before it asks them to end."
        ),
    ]

    private static let placeKeys: [ConfigurationKey] = [
        .path("state", \.state, "The state directory, 0700; empty asks the environment (see below)."),
        ConfigurationKey(
            "store",
            allowed: "sqlite:PATH or memory:",
            "Where executions are kept; empty is `spindle.db` in the state directory.",
            isPath: true,
            read: { $0.store?.url ?? "" },
            write: { configuration, text in
                guard let store = HostConfiguration.Store(url: text) else { return false }
                configuration.store = store
                return true
            }
        ),
        .path("socket", \.socket, "The Unix socket for local commands; empty is the store's path with `.sock`."),
        .path("plugins.directory", \.pluginDirectory, "Where plugins lie; empty is `plugins` in the state directory."),
        .path(
            "plugins.workerPath",
            \.workerPath,
            isInEnvironment: false,
            "The `spindle-worker` to use; empty looks beside `spindle` and in `../libexec/spindle`. Never taken from the environment."
        ),
        .choice(
            "plugins.trust",
            TrustPolicy.allCases.map { ($0.rawValue, $0) },
            \.pluginTrust,
            "What a file must show to be used as a plugin: [see there](plugins.md#whom-the-host-trusts)."
        ),
        .duration("plugins.probeTimeout", 10_000...300_000_000, \.probeTimeout, "How long the probe of one plugin may take."),
        .choice(
            "plugins.hygiene",
            HostConfiguration.Hygiene.allCases.map { ($0.rawValue, $0) },
            \.hygiene,
            "What becomes of a plugin that changes what its whole process shares: shown, or refused unless its sidecar allows it."
        ),
        .integer(
            "plugins.quarantineAfter",
            0...1000,
            \.quarantineAfter,
            "Crashes of a plugin's workers after which it gets no more work until it is released; 0 is never."
        ),
        .duration(
            "plugins.quarantineWindow",
            1_000_000...86_400_000_000,
            \.quarantineWindow,
            "How near to each other these crashes are."
        ),
        .path(
            "secrets.directory",
            \.secretsDirectory,
            "A file for each secret, 0400 or 0600, called as the secret; empty is systemd's `$CREDENTIALS_DIRECTORY`, if that is set."
        ),
    ]

    private static let reloadKeys: [ConfigurationKey] = [
        .choice(
            "plugins.watch",
            [("true", true), ("false", false)],
            \.reload.isWatching,
            "Whether changes of the plugin directory are taken up while the host runs; otherwise `spindle plugins reload` does."
        ),
        .integer(
            "plugins.trialAttempts",
            0...10_000,
            \.reload.trialAttempts,
            "So many first attempts of a new version of a plugin are on trial; 0 tries none."
        ),
        .share(
            "plugins.trialFailures",
            \.reload.trialFailures,
            "The new version is taken back when a larger share of its trial fails, and larger than of the old version's last attempts."
        ),
        .duration(
            "plugins.trialTime",
            1_000_000...86_400_000_000,
            \.reload.trialTime,
            "A trial that has not decided by then is passed."
        ),
    ]

    private static let retentionKeys: [ConfigurationKey] = [
        .duration(
            "retention.finished",
            0...315_360_000_000_000,
            \.engine.retention.finished,
            "How long succeeded, cancelled, skipped and expired executions are kept."
        ),
        .duration("retention.failed", 0...315_360_000_000_000, \.engine.retention.failed, "How long failed executions are kept."),
        .integer(
            "retention.maxSucceeded",
            0...1_000_000_000,
            \.engine.retention.maxSucceeded,
            "At most so many succeeded executions are kept, whatever their age."
        ),
    ]

    private static let logKeys: [ConfigurationKey] = [
        .choice("log.level", LogLevel.allCases.map { ($0.name, $0) }, \.logLevel, "The least level of the host's own log."),
        .choice(
            "log.format",
            HostConfiguration.LogFormat.allCases.map { ($0.rawValue, $0) },
            \.logFormat,
            "The host's own log as lines for people or as one JSON object a line."
        ),
    ]

    private static let typeLimits = ConfigurationKey(
        "executionEngine.typeLimits",
        allowed: "executor types with whole numbers from 1 to 10000, such as http: 5 (in one text: http=5,script=2)",
        "Attempts of one executor type that may run at once, by type.",
        isTable: true,
        read: { configuration in
            configuration.engine.typeLimits.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
        },
        write: { configuration, text in
            var limits: [String: Int32] = [:]
            for entry in text.split(separator: ",") {
                let parts = entry.split(separator: "=", maxSplits: 1).map { $0.trimmed }
                guard parts.count == 2, !parts[0].isEmpty, parts[0].utf8.count <= Limits.executorType,
                    let limit = Int32(parts[1]), Limits.slots.contains(limit)
                else { return false }
                limits[parts[0].lowercased()] = limit
            }
            configuration.engine.typeLimits = limits
            return true
        }
    )
}

extension HostConfiguration.Store {
    /// Reads `memory:`, `sqlite:PATH` or a plain path that ends in `.db`; anything else gives nil.
    public init?(url text: String) {
        guard text.utf8.count <= 4096, !text.utf8.contains(0) else { return nil }
        if text.lowercased() == "memory:" {
            self = .memory
            return
        }
        var path = text[...]
        if text.lowercased().hasPrefix("sqlite:") {
            path = text.dropFirst("sqlite:".count)
            // `sqlite:///path` is how other tools write it.
            if path.hasPrefix("///") { path = path.dropFirst(2) }
        } else if !text.hasSuffix(".db") {
            return nil
        }
        guard !path.isEmpty, !path.hasPrefix("//"), !path.hasSuffix("/") else { return nil }
        self = .sqlite(path: String(path))
    }
}

extension StringProtocol {
    /// Without blanks at both ends.
    var trimmed: String {
        var rest = self[...]
        while let first = rest.first, first.isWhitespace { rest = rest.dropFirst() }
        while let last = rest.last, last.isWhitespace { rest = rest.dropLast() }
        return String(rest)
    }
}
