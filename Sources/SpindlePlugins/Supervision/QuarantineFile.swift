import Logging
import SpindleCore
import Synchronization

/// The quarantines of a host's plugins, by file name and digest, in the state directory: a restart of the host is no new chance, other
/// bytes are.
final class QuarantineFile: Sendable {
    private let file: Mutex<CacheFile<Quarantine>>
    private let isKept: Bool
    private let logger: Logger

    /// Reads what was kept. May block.
    ///
    /// - Parameter stateDirectory: Nil keeps nothing.
    init(stateDirectory: String?, logger: Logger) {
        isKept = stateDirectory != nil
        self.logger = logger
        file = Mutex(CacheFile(path: stateDirectory.map { "\($0)/plugin-quarantine.json" } ?? ""))
    }

    static func key(file: String, digest: String) -> String { "\(file) \(digest)" }

    subscript(_ key: String) -> Quarantine? { file.withLock { $0[key] } }

    /// Notes or lifts a quarantine; written soon, on a thread of its own. Never blocks.
    func set(_ quarantine: Quarantine?, for key: String) {
        file.withLock { $0[key] = quarantine }
        guard isKept else { return }
        do {
            try OSThread.start("spindle-quarantine") { self.save() }
        } catch {
            logger.warning("What was found out about plugins is not kept: \(error)")
        }
    }

    /// Lifts the quarantines of all versions of a file. May block.
    ///
    /// - Returns: Whether there was any.
    func release(file name: String) -> Bool {
        let keys = file.withLock { file in
            let keys = file.entries.keys.filter { $0.hasPrefix("\(name) ") }
            for key in keys { file[key] = nil }
            return keys
        }
        if !keys.isEmpty { save() }
        return !keys.isEmpty
    }

    /// Writes what is new. May block.
    func save() {
        guard isKept else { return }
        do {
            try file.withLock { try $0.save() }
        } catch {
            logger.warning("The quarantine of a plugin is not kept: \(error)")
        }
    }
}
