import SpindleCore

/// One setting: its name, what it may be, and what it does.
///
/// The file, the environment, `--set`, `config show` and `Docs/configuration.md` are all made from ``all`` or held against it.
public struct ConfigurationKey: Sendable {
    /// Its name with its section, for instance `executionEngine.maxConcurrentJobs`.
    public let name: String
    /// What its value may be, to follow "… is allowed".
    public let allowed: String
    /// What it does, in a sentence.
    public let documentation: String
    /// Whether its value is a table of names and values rather than one text.
    let isTable: Bool
    /// Whether a relative value in a file means: relative to that file.
    let isPath: Bool
    /// Whether the environment may set it: what runs as our worker never comes from there.
    let isInEnvironment: Bool
    let read: @Sendable (HostConfiguration) -> String
    /// Takes a checked value; false if it is not allowed.
    let write: @Sendable (inout HostConfiguration, String) -> Bool

    init(
        _ name: String,
        allowed: String,
        _ documentation: String,
        isTable: Bool = false,
        isPath: Bool = false,
        isInEnvironment: Bool = true,
        read: @escaping @Sendable (HostConfiguration) -> String,
        write: @escaping @Sendable (inout HostConfiguration, String) -> Bool
    ) {
        self.name = name
        self.allowed = allowed
        self.documentation = documentation
        self.isTable = isTable
        self.isPath = isPath
        self.isInEnvironment = isInEnvironment
        self.read = read
        self.write = write
    }

    /// The environment variable that sets it, for instance `SPINDLE_EXECUTION_ENGINE_MAX_CONCURRENT_JOBS`; nil if none may.
    public var environmentName: String? {
        guard isInEnvironment else { return nil }
        var result = "SPINDLE_"
        for character in name {
            if character == "." {
                result += "_"
            } else {
                if character.isUppercase { result += "_" }
                result += character.uppercased()
            }
        }
        return result
    }

    /// The original system's variable for the same, compared without regard to case: `ExecutionEngine__MaxConcurrentJobs`.
    public var originalEnvironmentName: String {
        name.split(separator: ".").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined(separator: "__")
    }

    /// Its value in a configuration, as the file would hold it.
    public func value(in configuration: HostConfiguration) -> String { read(configuration) }

    /// The value with defaults.
    public var defaultValue: String { read(HostConfiguration()) }

    /// The key of that name, whatever its case.
    public static func named(_ name: String) -> ConfigurationKey? {
        let name = name.lowercased()
        return all.first { $0.name.lowercased() == name }
    }
}

extension ConfigurationKey {
    static func integer<Number: FixedWidthInteger & Sendable>(
        _ name: String,
        _ range: ClosedRange<Number>,
        _ path: any WritableKeyPath<HostConfiguration, Number> & Sendable,
        _ documentation: String
    ) -> ConfigurationKey {
        ConfigurationKey(
            name,
            allowed: "a whole number from \(range.lowerBound) to \(range.upperBound)",
            documentation,
            read: { "\($0[keyPath: path])" },
            write: { configuration, text in
                guard let value = Number(text), range.contains(value) else { return false }
                configuration[keyPath: path] = value
                return true
            }
        )
    }

    /// A duration; `inSeconds` shows it as a bare number where it is one, as the original system did.
    static func duration(
        _ name: String,
        _ range: ClosedRange<Int64>,
        _ path: any WritableKeyPath<HostConfiguration, Int64> & Sendable,
        inSeconds: Bool = false,
        _ documentation: String
    ) -> ConfigurationKey {
        let bounds = "\(DurationText.text(range.lowerBound)) to \(DurationText.text(range.upperBound))"
        return ConfigurationKey(
            name,
            allowed: "a duration from \(bounds), such as 500ms, 10s, 5m, 2h or 7d (a bare number is seconds)",
            documentation,
            read: {
                let value = $0[keyPath: path]
                return inSeconds && value % 1_000_000 == 0 ? "\(value / 1_000_000)" : DurationText.text(value)
            },
            write: { configuration, text in
                guard let value = DurationText.microseconds(text, in: range) else { return false }
                configuration[keyPath: path] = value
                return true
            }
        )
    }

    /// One of some names, whatever their case.
    static func choice<Value: Sendable>(
        _ name: String,
        _ values: [(String, Value)],
        _ path: any WritableKeyPath<HostConfiguration, Value> & Sendable,
        _ documentation: String
    ) -> ConfigurationKey where Value: Equatable {
        let names = values.map(\.0)
        return ConfigurationKey(
            name,
            allowed: "one of \(names.joined(separator: ", "))",
            documentation,
            read: { configuration in values.first { $0.1 == configuration[keyPath: path] }?.0 ?? "" },
            write: { configuration, text in
                guard let value = values.first(where: { $0.0.lowercased() == text.lowercased() }) else { return false }
                configuration[keyPath: path] = value.1
                return true
            }
        )
    }

    /// A share, kept in thousandths.
    static func share(
        _ name: String,
        _ path: any WritableKeyPath<HostConfiguration, Int32> & Sendable,
        _ documentation: String
    ) -> ConfigurationKey {
        ConfigurationKey(
            name,
            allowed: "a share from 0 to 1, or from 0% to 100%, in steps of a thousandth",
            documentation,
            read: {
                let permille = $0[keyPath: path]
                return permille % 10 == 0 ? "\(permille / 10)%" : "\(permille / 10).\(permille % 10)%"
            },
            write: { configuration, text in
                let isPercent = text.hasSuffix("%")
                let digits = isPercent ? text.dropLast() : text[...]
                guard digits.count <= 10, digits.utf8.allSatisfy({ (48...57).contains($0) || $0 == 46 }),
                    let share = Double(digits)
                else { return false }
                let permille = (share * (isPercent ? 10 : 1000)).rounded()
                guard (0...1000).contains(permille) else { return false }
                configuration[keyPath: path] = Int32(permille)
                return true
            }
        )
    }

    static func path(
        _ name: String,
        _ path: any WritableKeyPath<HostConfiguration, String?> & Sendable,
        isInEnvironment: Bool = true,
        _ documentation: String
    ) -> ConfigurationKey {
        ConfigurationKey(
            name,
            allowed: "a path of at most 4096 bytes",
            documentation,
            isPath: true,
            isInEnvironment: isInEnvironment,
            read: { $0[keyPath: path] ?? "" },
            write: { configuration, text in
                guard !text.isEmpty, text.utf8.count <= 4096, !text.utf8.contains(0) else { return false }
                configuration[keyPath: path] = text
                return true
            }
        )
    }
}
