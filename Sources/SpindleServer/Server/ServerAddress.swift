/// Where a server listens.
public enum ServerAddress: Hashable, Sendable {
    /// A Unix socket of this path, which only its owner may use.
    case unixSocket(String)
}

/// What a server may need to be told.
public struct ServerSettings: Sendable {
    /// Where to listen.
    public var address: ServerAddress
    /// Spindle's version, as `/v1/status` shows it.
    public var version: String
    /// The largest body of a request in bytes; a batch may have four times as much.
    public var maxBody: Int
    /// Microseconds that requests may go on once the server shuts down; then they are cut off.
    public var patience: Int64 = 2_000_000

    /// Describes a server.
    public init(address: ServerAddress, version: String = "dev", maxBody: Int = 4 * 1024 * 1024) {
        self.address = address
        self.version = version
        self.maxBody = maxBody
    }
}
