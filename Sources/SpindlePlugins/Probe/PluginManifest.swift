import SpindleWire

/// What a plugin says about itself.
public struct PluginManifest: Hashable, Sendable, Codable {
    /// One kind of executor or trigger of a plugin.
    public struct Executor: Hashable, Sendable, Codable {
        /// The type that it claims.
        public var type: String
        /// The same as the plugin writes it.
        var writtenType: String
        /// `SPINDLE_EXECUTOR_*` of the ABI.
        public var flags: UInt32
        /// `SPW_HAS_*`: the optional functions that it has.
        var functions: UInt32
        /// Targets that begin so are its own.
        public var targetPrefixes: [String]
        /// Its name for people.
        public var name: String?
        /// Its version.
        public var version: String?
        /// Who made it.
        public var vendor: String?
        /// SPDX.
        public var license: String?
        /// What it does.
        public var description: String?
        /// Where to read more.
        public var docsURL: String?
        /// JSON Schema of its configuration.
        public var configSchema: String?
        /// JSON Schema of its parameters.
        public var parametersSchema: String?
        /// JSON Schema of its output.
        public var outputSchema: String?
        /// What it says it needs, such as `net:example.com:443`.
        public var needs: [String]
        /// A sensible number of attempts at once; nil if it has no wish.
        public var concurrencyHint: Int64?
        /// A sensible time limit in milliseconds; nil if it has no wish.
        public var timeoutHint: Int64?

        /// It may have several attempts open in one process.
        public var isConcurrent: Bool { flags & 0x04 != 0 }
        /// It may complete later than it returns.
        public var isAsync: Bool { flags & 0x02 != 0 }
        /// The same attempt twice does no harm.
        public var isIdempotent: Bool { flags & 0x08 != 0 }
        /// It reacts soon to being asked to end.
        public var isCancellable: Bool { flags & 0x10 != 0 }
        /// It must not run in the host.
        public var needsIsolation: Bool { flags & 0x20 != 0 }
        var canBeAsked: Bool { functions & UInt32(SPW_HAS_CAN_EXECUTE) != 0 }
        var canBeChecked: Bool { functions & UInt32(SPW_HAS_CHECK) != 0 }
        var canDescribe: Bool { functions & UInt32(SPW_HAS_DESCRIBE) != 0 }
    }

    /// Minor version of the ABI that it was built with.
    public var abiMinor: UInt32
    /// Reverse DNS.
    public var id: String
    /// Semantic version.
    public var version: String
    /// The SDK that it was built with.
    public var sdk: String?
    /// What it offers.
    public var executors: [Executor]
    /// Its kinds of trigger; their types are names among themselves.
    public var triggers: [Executor] = []
    /// What loading it changed of what its process shares: `umask`, `signal:SIGSEGV`, `threads:+1` …
    public var loadChanges: [String] = []
    /// The same of its `init`; nil where that was not called, because it is not to run in the host.
    public var initChanges: [String]?
    /// What `describe` made of the operator's instances, by their type.
    var described: [String: Executor] = [:]
    /// Instances whose `describe` failed, with the reason.
    var undescribed: [String: String] = [:]
}

extension PluginManifest {
    init(_ message: borrowing spw_report_plugin) {
        abiMinor = message.abi_minor
        id = message.plugin_id.text
        version = message.plugin_version.text
        sdk = message.sdk.textOrNil
        executors = []
        loadChanges = message.changes.texts
    }
}

extension PluginManifest.Executor {
    init(_ message: borrowing spw_report_executor) {
        writtenType = message.type.text
        type = writtenType.lowercased()
        flags = message.flags
        functions = message.functions
        targetPrefixes = message.target_prefixes.texts
        name = message.name.textOrNil
        version = message.version.textOrNil
        vendor = message.vendor.textOrNil
        license = message.license.textOrNil
        description = message.description.textOrNil
        docsURL = message.docs_url.textOrNil
        configSchema = message.config_schema.textOrNil
        parametersSchema = message.parameters_schema.textOrNil
        outputSchema = message.output_schema.textOrNil
        needs = message.needs.texts
        concurrencyHint = message.concurrency_hint > 0 ? message.concurrency_hint : nil
        timeoutHint = message.timeout_ms_hint > 0 ? message.timeout_ms_hint : nil
    }
}
