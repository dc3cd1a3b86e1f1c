/// What a worker gets of the machine: what its plugin asks for and the operator grants.
struct EffectiveGrants: Hashable, Sendable {
    /// A sandbox has limits also if the operator names none: one plugin must not take the machine from the others.
    static let defaultMemory: Int64 = 1 << 30
    static let defaultPids: Int64 = 512
    static let defaultOutput: Int64 = 1 << 30

    var net = Grants.Net.none
    var read: [String] = []
    var write: [String] = []
    var exec = false
    var jit = false
    var memory: Int64 = 0
    var cpuPermille: Int64 = 0
    var pids: Int64 = 0
    var output: Int64 = 0

    /// No access, and no limits.
    init() {}

    /// What is left of the operator's grants for a plugin with these needs.
    ///
    /// - Parameters:
    ///   - needs: As in the descriptor: `net:HOST[:PORT]`, `fs:read:PATH`, `fs:write:PATH`, `exec`, `jit`; `*` stands for any host or path.
    ///   - level: Only a sandbox has limits without being told.
    init(needs: [String], grants: Grants, level: IsolationLevel) {
        memory = grants.memory ?? (level.isSandboxed ? Self.defaultMemory : 0)
        cpuPermille = grants.cpuPermille ?? 0
        pids = grants.pids ?? (level.isSandboxed ? Self.defaultPids : 0)
        output = grants.output ?? (level.isSandboxed ? Self.defaultOutput : 0)
        guard level.isSandboxed else { return }
        exec = grants.exec == true && needs.contains("exec")
        jit = grants.jit == true && needs.contains("jit")
        net = Self.net(needs.compactMap { NetNeed($0) }, grants.net ?? .none)
        let writes = Self.asked(needs, "fs:write:")
        write = Self.outermost(Self.paths(writes, grants.write ?? []), beside: [])
        // What it may write it may read.
        read = Self.outermost(Self.paths(Self.asked(needs, "fs:read:") + writes, grants.read ?? []), beside: write)
    }

    /// A path to write that lies in one to read: what is mounted below a mount depends on what others make of it meanwhile.
    var nested: (outer: String, inner: String)? {
        for outer in read {
            if let inner = write.first(where: { GrantedPath.contains(outer, $0) }) { return (outer, inner) }
        }
        return nil
    }

    /// What the plugin asks for and does not get, as it asks.
    static func missing(needs: [String], grants: Grants, level: IsolationLevel) -> [String] {
        guard level.isSandboxed else { return [] }
        return needs.filter { need in
            let given = EffectiveGrants(needs: [need], grants: grants, level: level)
            return switch true {
            case need == "exec": !given.exec
            case need == "jit": !given.jit
            case need.hasPrefix("net:"): given.net == .none
            case need.hasPrefix("fs:read:"): given.read.isEmpty
            case need.hasPrefix("fs:write:"): given.write.isEmpty
            default: false
            }
        }
    }

    // MARK: What both say

    private static func asked(_ needs: [String], _ prefix: String) -> [String] {
        needs.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    }

    /// Of a path that is asked for and one that is granted, of which one contains the other, the deeper one.
    private static func paths(_ asked: [String], _ granted: [String]) -> [String] {
        var result: [String] = []
        for path in granted {
            let common =
                asked.contains("*")
                ? [path]
                : asked.compactMap { GrantedPath.clean($0) }.compactMap { wanted in
                    GrantedPath.contains(path, wanted) ? wanted : GrantedPath.contains(wanted, path) ? path : nil
                }
            for path in common where !result.contains(path) { result.append(path) }
        }
        return result
    }

    /// Without those in another one, or in one that gives more: one mount for each, and none in another.
    private static func outermost(_ paths: [String], beside stronger: [String]) -> [String] {
        paths.filter { path in
            !stronger.contains { GrantedPath.contains($0, path) }
                && !paths.contains { $0 != path && GrantedPath.contains($0, path) }
        }
    }

    private static func net(_ asked: [NetNeed], _ granted: Grants.Net) -> Grants.Net {
        switch granted {
        case .none: return .none
        case .any:
            if asked.isEmpty { return .none }
            let endpoints = asked.compactMap(\.endpoint)
            // A host without a port, or any host: there is no list of that.
            return endpoints.count == asked.count ? .list(endpoints) : .any
        case .list(let endpoints):
            let both = endpoints.filter { endpoint in asked.contains { $0.covers(endpoint) } }
            return both.isEmpty ? .none : .list(both)
        }
    }
}

extension PluginListing {
    /// Notes what the sidecar does not give.
    mutating func note(_ sidecar: Sidecar) {
        let needs = manifest?.executors.flatMap(\.needs) ?? []
        for need in EffectiveGrants.missing(needs: needs, grants: sidecar.needs, level: sidecar.isolation ?? .worker)
        where !ungranted.contains(need) {
            ungranted.append(need)
        }
    }
}

/// `net:HOST[:PORT]` of a descriptor.
private struct NetNeed {
    let host: String
    let port: UInt16?

    init?(_ need: String) {
        guard need.hasPrefix("net:") else { return nil }
        let text = need.dropFirst(4).lowercased()
        if let endpoint = Grants.Endpoint(text) {
            host = endpoint.host
            port = endpoint.port
        } else if text.hasPrefix("*"), let colon = text.lastIndex(of: ":"), let number = UInt16(text[text.index(after: colon)...]) {
            host = String(text[..<colon])
            port = number
        } else {
            host = text
            port = nil
        }
        guard !host.isEmpty else { return nil }
    }

    /// The one place that it means; nil if it may be several.
    var endpoint: Grants.Endpoint? {
        guard let port, !host.hasPrefix("*") else { return nil }
        return Grants.Endpoint(host: host, port: port)
    }

    func covers(_ endpoint: Grants.Endpoint) -> Bool {
        let isHost = host == "*" || host == endpoint.host || (host.hasPrefix("*.") && endpoint.host.hasSuffix(host.dropFirst()))
        return isHost && (port == nil || port == endpoint.port)
    }
}
