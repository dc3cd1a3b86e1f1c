/// How grave a log line is; the numbers are those of the plugin ABI.
public enum LogLevel: Int32, Hashable, Sendable, Comparable, CaseIterable {
    /// For following each step.
    case trace = 0
    /// For finding faults.
    case debug = 1
    /// What happens.
    case info = 2
    /// What happens and matters.
    case notice = 3
    /// Something odd.
    case warning = 4
    /// Something failed.
    case error = 5
    /// Nothing more will work.
    case critical = 6

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// The name as it stands in JSON.
    public var name: String {
        switch self {
        case .trace: "trace"
        case .debug: "debug"
        case .info: "info"
        case .notice: "notice"
        case .warning: "warning"
        case .error: "error"
        case .critical: "critical"
        }
    }
}

/// Where a log line came from.
public enum LogStream: UInt8, Hashable, Sendable {
    /// The executor's own log call.
    case plugin = 0
    /// Standard output of the code.
    case stdout = 1
    /// Standard error of the code.
    case stderr = 2
    /// The host.
    case host = 3

    /// The name as it stands in JSON.
    public var name: String {
        switch self {
        case .plugin: "plugin"
        case .stdout: "stdout"
        case .stderr: "stderr"
        case .host: "host"
        }
    }
}

/// One line of log as it comes from an executor.
public struct LogLine: Sendable {
    /// How grave it is.
    public var level: LogLevel
    /// Where it came from.
    public var stream: LogStream
    /// The line, at most 16 KiB.
    public var message: String
    /// Names and values beside it.
    public var fields: [(String, String)]

    /// Describes a line.
    public init(level: LogLevel, stream: LogStream, message: String, fields: [(String, String)] = []) {
        self.level = level
        self.stream = stream
        self.message = message
        self.fields = fields
    }
}

/// One line of log as it is kept.
public struct LogRecord: Sendable {
    /// The attempt it belongs to.
    public var key: AttemptKey
    /// Its place in the execution's log, from 1, without gaps except where lines were dropped.
    public var sequence: Int64
    /// When the host received it.
    public var at: Timestamp
    /// The line itself.
    public var line: LogLine

    /// Places a line.
    public init(key: AttemptKey, sequence: Int64, at: Timestamp, line: LogLine) {
        self.key = key
        self.sequence = sequence
        self.at = at
        self.line = line
    }
}
