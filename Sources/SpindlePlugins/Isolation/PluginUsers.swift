import Glibc
import SpindleCore

/// Users for plugins, when the host is root: each has its own, which nobody else has.
enum PluginUsers {
    /// Debian and systemd give these to nobody.
    static let range: ClosedRange<UInt32> = 60_706...61_182
    /// The one that plugins are looked at with.
    static let probe: UInt32 = 61_183

    /// A user for each plugin. The same name gets the same one, unless two of the directory meet; then the later name gives way.
    ///
    /// - Parameters:
    ///   - known: Users that are given already, by their plugins' names: they stay.
    ///   - isTaken: Whether the system's list of users has it.
    static func assign(
        _ names: [String],
        known: [String: UInt32] = [:],
        isTaken: (UInt32) -> Bool = isKnown
    ) -> [String: UInt32] {
        var users = known
        var used = Set(known.values)
        for name in names.sorted() where known[name] == nil {
            let count = UInt32(range.count)
            let first = UInt32(truncatingIfNeeded: hash(name) % UInt64(count))
            let candidates = (0..<count).lazy.map { range.lowerBound + (first + $0) % count }
            guard let user = candidates.first(where: { !used.contains($0) && !isTaken($0) }) else { continue }
            used.insert(user)
            users[name] = user
        }
        return users
    }

    /// FNV-1a: files that a plugin wrote must belong to it after a restart too.
    private static func hash(_ name: String) -> UInt64 {
        name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    private static func isKnown(_ user: UInt32) -> Bool {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16 * 1024) { buffer in
            // What cannot be looked up is as good as taken.
            guard let base = buffer.baseAddress else { return true }
            return getpwuid_r(user, &entry, base, buffer.count, &found) != 0 || found != nil
        }
    }
}
