import Glibc
public import SpindleCore

/// A configuration, and where each of its values came from.
public struct LoadedConfiguration: Sendable {
    /// Where a value came from.
    public enum Origin: Hashable, Sendable, CustomStringConvertible {
        /// Nobody set it.
        case byDefault
        /// A line of a file.
        case file(String, line: Int)
        /// A variable.
        case environment(String)
        /// The command line.
        case flag(String)

        /// For a table.
        public var description: String {
            switch self {
            case .byDefault: "default"
            case .file(let name, let line): "\(name):\(line)"
            case .environment(let name): "$\(name)"
            case .flag(let name): name
            }
        }
    }

    /// The values.
    public internal(set) var configuration = HostConfiguration()
    /// Where those that were set came from, by key.
    public internal(set) var origins: [String: Origin] = [:]
    /// What the operator should know.
    public internal(set) var notices: [String] = []

    /// Where a key's value came from.
    public func origin(of key: ConfigurationKey) -> Origin { origins[key.name] ?? .byDefault }
}

/// Reads the configuration: flags, then the environment, then a file, then the defaults.
public struct ConfigurationLoader: Sendable {
    /// A flag with its value.
    public struct Flag: Sendable {
        let name: String
        let key: String
        let value: String

        /// A flag that sets a key.
        public init(name: String, key: String, value: String) {
            self.name = name
            self.key = key
            self.value = value
        }
    }

    /// The file that is read from the working directory if none is named.
    public static let usualFile = "spindle.yaml"

    private let environment: [String: String]
    private let readFile: @Sendable (String) throws(SpindleError) -> [UInt8]?

    /// Reads from an environment and a file system.
    ///
    /// - Parameters:
    ///   - environment: The variables.
    ///   - readFile: Gives the bytes of a file, nil if there is none of that name; by default from the disk.
    public init(
        environment: [String: String],
        readFile: (@Sendable (String) throws(SpindleError) -> [UInt8]?)? = nil
    ) {
        self.environment = environment
        // Not `??`: the compiler (6.3.1) crashes on functions with typed throws behind it.
        if let readFile { self.readFile = readFile } else { self.readFile = Self.readFromDisk }
    }

    @Sendable private static func readFromDisk(_ path: String) throws(SpindleError) -> [UInt8]? {
        try SmallFile.read(path, limit: 1024 * 1024)
    }

    /// Reads all layers.
    ///
    /// - Parameters:
    ///   - file: The file named on the command line.
    ///   - flags: In their order; the last one of a key wins.
    /// - Throws: `configuration`, with the place, the key and what is allowed.
    public func load(file: String? = nil, flags: [Flag] = []) throws(SpindleError) -> LoadedConfiguration {
        var loaded = LoadedConfiguration()
        let named = file ?? environment["SPINDLE_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
        if let bytes = try readFile(named ?? Self.usualFile) {
            let file = try ConfigurationFile.parse(bytes, name: named ?? Self.usualFile)
            for setting in file.settings {
                _ = setting.key.write(&loaded.configuration, setting.value)
                loaded.origins[setting.key.name] = .file(file.name, line: setting.line)
            }
            loaded.notices = file.notices
        } else if let named {
            throw SpindleError(.configuration, "There is no configuration file \(named).")
        }
        try readEnvironment(&loaded)
        for flag in flags {
            guard let key = ConfigurationKey.named(flag.key) else {
                let hint = ConfigurationKey.hint(flag.key, among: ConfigurationKey.all.map(\.name))
                throw SpindleError(.configuration, "\(flag.name): unknown key \"\(flag.key.prefix(128))\"\(hint).")
            }
            try set(key, flag.value, .flag(flag.name), &loaded)
        }
        return loaded
    }

    private func readEnvironment(_ loaded: inout LoadedConfiguration) throws(SpindleError) {
        // The original's names first: Spindle's own win.
        let originals = environment.sorted { $0.key < $1.key }.filter { $0.key.contains("__") }
        for (name, value) in originals {
            let lowered = name.lowercased()
            if let key = ConfigurationKey.all.first(where: { $0.originalEnvironmentName.lowercased() == lowered }),
                key.isInEnvironment
            {
                try set(key, value, .environment(name), &loaded)
            } else if lowered.hasPrefix("executionengine__") {
                let known = ConfigurationKey.all.map(\.originalEnvironmentName)
                throw SpindleError(.configuration, "$\(name): unknown key\(ConfigurationKey.hint(name, among: known)).")
            }
        }
        let byName = Dictionary(
            ConfigurationKey.all.compactMap { key in key.environmentName.map { ($0, key) } },
            uniquingKeysWith: { first, _ in first }
        )
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("SPINDLE_") {
            if let key = byName[name] {
                // An empty variable is how a unit file or a shell says "not set".
                if !value.isEmpty { try set(key, value, .environment(name), &loaded) }
            } else if Self.sectionPrefixes.contains(where: { name.hasPrefix($0) }) {
                throw SpindleError(
                    .configuration,
                    "$\(name): unknown key\(ConfigurationKey.hint(name, among: Array(byName.keys).sorted()))."
                )
            }
        }
    }

    /// Variables that begin so can only be meant for us; others, such as SPINDLE_PARAM_…, belong to somebody else.
    private static let sectionPrefixes = ["EXECUTION_ENGINE", "PLUGINS", "RETENTION", "LOG"].map { "SPINDLE_\($0)_" }

    private func set(
        _ key: ConfigurationKey,
        _ value: String,
        _ origin: LoadedConfiguration.Origin,
        _ loaded: inout LoadedConfiguration
    ) throws(SpindleError) {
        guard key.write(&loaded.configuration, value) else {
            throw SpindleError(
                .configuration,
                "\(origin): \(key.name) is \"\(value.prefix(128))\"; \(key.allowed) is allowed."
            )
        }
        loaded.origins[key.name] = origin
    }
}

/// Reads small files whole.
enum SmallFile {
    /// The bytes of a file; nil if there is none of that name.
    ///
    /// - Throws: `configuration` if it cannot be read, is no regular file, or is larger than the limit.
    static func read(_ path: String, limit: Int) throws(SpindleError) -> [UInt8]? {
        // Not blocking: a FIFO must not hold us up.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw SpindleError(.configuration, "\(path) cannot be read: \(String(cString: strerror(errno))).")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw SpindleError(.configuration, "\(path) is not a regular file.")
        }
        guard status.st_size <= limit else {
            throw SpindleError(.configuration, "\(path) has \(status.st_size) bytes; at most \(limit) are allowed.")
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while bytes.count <= limit {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else {
                throw SpindleError(.configuration, "\(path) cannot be read: \(String(cString: strerror(errno))).")
            }
            if count == 0 { break }
            bytes.append(contentsOf: buffer[..<count])
        }
        return bytes
    }
}
