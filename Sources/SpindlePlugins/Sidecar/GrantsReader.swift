import SpindleCore
import Yams

extension SidecarReader {
    private static let needs = ["net", "read", "write", "exec", "jit", "memory", "cpu", "pids", "output"]

    func needs(_ node: Node, _ parent: String) throws(SpindleError) -> Grants {
        var grants = Grants()
        for (key, name, value) in try entries(node, parent, Self.needs) {
            switch key {
            case "net": grants.net = try net(value, name)
            case "read": grants.read = try paths(value, name)
            case "write": grants.write = try paths(value, name)
            case "exec": grants.exec = try bool(value, name)
            case "jit": grants.jit = try bool(value, name)
            case "memory": grants.memory = try size(value, name, Grants.memoryRange)
            case "cpu": grants.cpuPermille = try processors(value, name)
            case "pids": grants.pids = Int64(try integer(value, name, Grants.pidsRange))
            case "output": grants.output = try size(value, name, Grants.outputRange)
            default: break
            }
        }
        return grants
    }

    private func net(_ node: Node, _ name: String) throws(SpindleError) -> Grants.Net {
        let allowed = "none, any, or a list of HOST:PORT"
        if let text = node.scalar?.string {
            switch text {
            case "none": return .none
            case "any": return .any
            default: throw wrong(node, name, allowed)
            }
        }
        guard case .sequence(let items) = node, items.count <= 256 else { throw wrong(node, name, allowed) }
        var endpoints: [Grants.Endpoint] = []
        for item in items {
            guard let endpoint = Grants.Endpoint(item.scalar?.string ?? "") else { throw wrong(item, name, allowed) }
            if !endpoints.contains(endpoint) { endpoints.append(endpoint) }
        }
        return endpoints.isEmpty ? .none : .list(endpoints)
    }

    private func paths(_ node: Node, _ name: String) throws(SpindleError) -> [String] {
        let allowed = "a list of absolute paths, none of them of the system itself"
        guard case .sequence(let items) = node, items.count <= 256 else { throw wrong(node, name, allowed) }
        var paths: [String] = []
        for item in items {
            guard let path = GrantedPath.clean(item.scalar?.string ?? "") else { throw wrong(item, name, allowed) }
            if !paths.contains(path) { paths.append(path) }
        }
        return paths
    }

    private func processors(_ node: Node, _ name: String) throws(SpindleError) -> Int64 {
        guard let value = Double(node.scalar?.string ?? ""), value >= 0.01, value <= 1024 else {
            throw wrong(node, name, "a number of processors such as 0.5 or 2, from 0.01 to 1024")
        }
        return Int64((value * 1000).rounded())
    }
}

extension Grants.Endpoint {
    /// `HOST:PORT`, with brackets around an address of IPv6; nil if it is not that.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.utf8.allSatisfy({ Self.isHexadecimal($0) || $0 == 58 || $0 == 46 }), host.contains(":") else { return nil }
        } else {
            let isLegal = host.utf8.allSatisfy { Self.isLetterOrDigit($0) || $0 == 45 || $0 == 46 || $0 == 95 }
            guard isLegal, !host.hasPrefix("."), !host.hasPrefix("-") else { return nil }
        }
        guard !host.isEmpty, host.utf8.count <= 253 else { return nil }
        self.init(host: host.lowercased(), port: port)
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...70).contains(byte) || (97...102).contains(byte)
    }
}

/// Paths in grants.
enum GrantedPath {
    /// What every sandbox has of its own, or must not have.
    private static let reserved = [
        "/proc", "/sys", "/dev", "/etc", "/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin", "/tmp",
    ]

    /// An absolute path without `.`, `..` and superfluous slashes; nil if it is none, or one of the system's own.
    static func clean(_ text: String) -> String? {
        guard text.hasPrefix("/"), text.utf8.count < 4096, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        let parts = text.split(separator: "/")
        guard !parts.isEmpty, !parts.contains("."), !parts.contains("..") else { return nil }
        let path = "/" + parts.joined(separator: "/")
        let isKernel = ["/proc/", "/sys/", "/dev/"].contains { path.hasPrefix($0) }
        return reserved.contains(path) || isKernel ? nil : path
    }

    /// Whether a path is another one or below it.
    static func contains(_ path: String, _ other: String) -> Bool { other == path || other.hasPrefix(path + "/") }
}
