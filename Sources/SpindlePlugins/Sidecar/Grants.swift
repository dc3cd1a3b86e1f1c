/// What an operator lets a plugin have of the machine: `needs` in its sidecar. What is nil was not said.
public struct Grants: Hashable, Sendable {
    /// A place of the network.
    public struct Endpoint: Hashable, Sendable {
        /// A name, or an address as text without brackets.
        public var host: String
        /// A TCP port.
        public var port: UInt16
    }

    /// The network.
    public enum Net: Hashable, Sendable {
        /// No other process of any machine.
        case none
        /// TCP to these, and nothing else.
        case list([Endpoint])
        /// The host's network as it is.
        case any
    }

    /// The network that it reaches.
    public var net: Net?
    /// Files and directories that it may read.
    public var read: [String]?
    /// Files and directories that it may read and write.
    public var write: [String]?
    /// Whether it may start programs.
    public var exec: Bool?
    /// Whether it may have memory that is written and executed.
    public var jit: Bool?
    /// Memory of one worker in bytes.
    public var memory: Int64?
    /// Processors of one worker, in thousandths.
    public var cpuPermille: Int64?
    /// Processes and threads of one worker.
    public var pids: Int64?
    /// Bytes of each file that it writes, and of all in its `/tmp`.
    public var output: Int64?

    /// Says nothing.
    public init() {}

    /// Bytes of memory, from 16 MiB to 16 TiB.
    static let memoryRange: ClosedRange<Int64> = 16 << 20...16 << 40
    /// Thousandths of a processor.
    static let cpuRange: ClosedRange<Int64> = 10...1_024_000
    /// Processes and threads; a worker itself has about five.
    static let pidsRange: ClosedRange<Int32> = 8...32_768
    /// Bytes of files.
    static let outputRange: ClosedRange<Int64> = 4096...16 << 40
}
