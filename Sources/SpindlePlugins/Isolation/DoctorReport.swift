/// What this kernel gives to this user, and what each level of isolation then is.
public struct DoctorReport: Codable, Hashable, Sendable {
    /// A layer of a sandbox, tried by itself.
    public struct Layer: Codable, Hashable, Sendable {
        /// Its name.
        public var name: String
        /// Whether it could be had just now.
        public var available: Bool
        /// Whether a sandbox is refused without it.
        public var required: Bool
        /// What it keeps a plugin from; if it is not available, why not.
        public var note: String
    }

    /// A level of isolation.
    public struct Level: Codable, Hashable, Sendable {
        /// As in a sidecar.
        public var level: IsolationLevel
        /// Whether plugins can run at it.
        public var available: Bool
        /// What it promises; if it is not available, why not.
        public var note: String
    }

    /// The host's user.
    public var user: UInt32
    /// ABI version of Landlock; 0 = none.
    public var landlock: Int
    /// All layers.
    public var layers: [Layer]
    /// All levels.
    public var levels: [Level]

    /// Whether plugins can be run in a sandbox.
    public var isSandboxAvailable: Bool { levels.contains { $0.level == .sandbox && $0.available } }
}
