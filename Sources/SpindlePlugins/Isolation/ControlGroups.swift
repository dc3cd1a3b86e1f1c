import Glibc
import SpindleCore

/// Where control groups for workers can be made: memory, processes, processors.
struct ControlGroups: Hashable, Sendable {
    /// A directory in which the host may make groups.
    struct Parent: Hashable, Sendable {
        /// `memory`, `pids`, `cpu`, or `unified` for all three.
        var kind: String
        var path: String
    }

    static let kinds = ["memory", "pids", "cpu"]

    var parents: [Parent] = []
    /// Why there are none of a kind.
    var reasons: [String: String] = [:]

    /// Whether a kind is limited.
    func has(_ kind: String) -> Bool { parents.contains { $0.kind == kind || $0.kind == "unified" } }

    /// Groups for one more worker with such limits: `KIND DIRECTORY`. The host's number is in the name, so that others see whether it lives.
    func names(_ number: UInt64, for grants: EffectiveGrants) -> [String] {
        let limits = ["memory": grants.memory, "pids": grants.pids, "cpu": grants.cpuPermille]
        return parents.filter { limits[$0.kind] != 0 }.map { "\($0.kind) \($0.path)/spindle-\(getpid())-\(number)" }
    }

    /// Removes groups whose worker was killed from outside: its processes may be about to end. Never blocks.
    static func remove(_ groups: [String]) {
        let left = groups.filter { rmdir($0) != 0 && errno == EBUSY }
        guard !left.isEmpty else { return }
        // What is left even then goes when the next host sweeps.
        try? OSThread.start("spindle-groups") {
            for group in left {
                for _ in 0..<200 where rmdir(group) != 0 && errno == EBUSY { usleep(5000) }
            }
        }
    }

    /// Removes what hosts left that are gone. Blocks shortly.
    func sweep() {
        for parent in parents {
            for name in SmallFile.names(in: parent.path) where name.hasPrefix("spindle-") {
                guard let host = pid_t(name.split(separator: "-").dropFirst().first ?? ""), host != getpid() else { continue }
                if kill(host, 0) != 0, errno == ESRCH { rmdir("\(parent.path)/\(name)") }
            }
        }
    }

    /// Looks where this process is, and tries whether groups can be made there. Blocks shortly.
    static func find() -> ControlGroups {
        let membership = SmallFile.text("/proc/self/cgroup")
        let mounts = SmallFile.text("/proc/self/mountinfo").split(separator: "\n").compactMap { Mount($0) }
        var groups = ControlGroups()
        let unified = mounts.first { $0.isUnified }.flatMap { unifiedParent($0, membership) }
        if let unified {
            groups.parents = [Parent(kind: "unified", path: unified)]
            return groups
        }
        for kind in kinds {
            guard let mount = mounts.first(where: { !$0.isUnified && $0.options.contains(kind) }) else {
                groups.reasons[kind] = "no control group with it is mounted that this process may use"
                continue
            }
            let path = mount.directory(own(membership, kind))
            if let reason = refusal(path, kind) {
                groups.reasons[kind] = reason
            } else {
                groups.parents.append(Parent(kind: kind, path: path))
            }
        }
        return groups
    }

    /// The path of our own group; "0" is the unified hierarchy.
    private static func own(_ membership: String, _ kind: String?) -> String {
        for line in membership.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let isIt = kind.map { parts[1].split(separator: ",").contains(Substring($0)) } ?? (parts[0] == "0")
            if isIt { return String(parts[2]) }
        }
        return "/"
    }

    /// Our own group if groups can be below it, or else the one above: a group with processes must not have limited groups below.
    private static func unifiedParent(_ mount: Mount, _ membership: String) -> String? {
        let own = mount.directory(own(membership, nil))
        var candidates = [own]
        if own != mount.point, let slash = own.lastIndex(of: "/") { candidates.append(String(own[..<slash])) }
        for path in candidates {
            let there = SmallFile.text("\(path)/cgroup.controllers").split { $0 == " " || $0 == "\n" }.map(String.init)
            guard kinds.allSatisfy(there.contains) else { continue }
            if isGivenOn(path), refusal(path, "unified") == nil { return path }
        }
        // A service begins in the group that was delegated to it, and is in its own way there.
        guard refusal(own, "unified") == nil, moveAside(in: own) else { return nil }
        if isGivenOn(own) { return own }
        _ = SmallFile.write("\(getpid())", to: "\(own)/cgroup.procs")
        rmdir("\(own)/\(hostGroup)")
        return nil
    }

    /// Whether groups below have all controllers, now if not before.
    private static func isGivenOn(_ path: String) -> Bool {
        let given = SmallFile.text("\(path)/cgroup.subtree_control").split { $0 == " " || $0 == "\n" }.map(String.init)
        return kinds.allSatisfy(given.contains) || SmallFile.write("+memory +pids +cpu", to: "\(path)/cgroup.subtree_control")
    }

    static let hostGroup = "host"

    /// Moves this process into a group of its own below one, if it is alone there: others are not ours to move.
    static func moveAside(in path: String) -> Bool {
        let members = SmallFile.text("\(path)/cgroup.procs").split(separator: "\n")
        guard members == ["\(getpid())"] else { return false }
        let group = "\(path)/\(hostGroup)"
        guard mkdir(group, 0o755) == 0 || errno == EEXIST else { return false }
        return SmallFile.write("\(getpid())", to: "\(group)/cgroup.procs")
    }

    /// Why no group can be made there; nil if it can.
    private static func refusal(_ path: String, _ kind: String) -> String? {
        let trial = "\(path)/spindle-\(getpid())-try-\(kind)-\(pthread_self())"
        guard mkdir(trial, 0o755) == 0 else { return "\(path): \(SystemCall.lastError)" }
        rmdir(trial)
        return nil
    }

    /// A mounted hierarchy.
    private struct Mount {
        let root: String
        let point: String
        let isUnified: Bool
        let options: [String]

        /// A line of `/proc/self/mountinfo`; nil if it is no control group.
        init?(_ line: Substring) {
            let halves = line.split(separator: " - ", maxSplits: 1)
            guard halves.count == 2 else { return nil }
            let before = halves[0].split(separator: " ")
            let after = halves[1].split(separator: " ")
            guard before.count >= 6, after.count >= 3, after[0] == "cgroup" || after[0] == "cgroup2" else { return nil }
            root = String(before[3])
            point = String(before[4])
            isUnified = after[0] == "cgroup2"
            options = after[2].split(separator: ",").map(String.init)
        }

        /// Where a group lies; a container may have only a part of the hierarchy mounted.
        func directory(_ path: String) -> String {
            var relative = path
            if root != "/", path.hasPrefix(root) { relative = String(path.dropFirst(root.count)) }
            let directory = relative == "/" || relative.isEmpty ? point : point + relative
            return access(directory, F_OK) == 0 ? directory : point
        }
    }
}

/// Files of the kernel, which are small and read at once.
enum SmallFile {
    /// At most 1 MiB of it; empty if it cannot be read.
    static func text(_ path: String) -> String {
        let number = open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return "" }
        let file = Descriptor(number)
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 16 * 1024)
        while bytes.count < 1 << 20 {
            let count = SystemCall.retrying { read(file.number, &part, part.count) }
            if count <= 0 { break }
            bytes += part.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whether all of it could be written.
    static func write(_ text: String, to path: String) -> Bool {
        let number = open(path, O_WRONLY | O_CLOEXEC)
        guard number >= 0 else { return false }
        let file = Descriptor(number)
        let bytes = Array(text.utf8)
        return Glibc.write(file.number, bytes, bytes.count) == bytes.count
    }

    /// The names in a directory.
    static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
