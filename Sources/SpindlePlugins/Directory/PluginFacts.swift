import Crypto
import Glibc
import Logging
import SpindleCore
import SpindleWire
import Synchronization

/// What was found out about files before, kept in the state directory: digests and verdicts.
final class PluginFacts: Sendable {
    private struct State {
        var digests: CacheFile<String>
        var verdicts: CacheFile<KeptVerdict>
    }

    private let state: Mutex<State>
    private let isKept: Bool

    init(stateDirectory: String?) {
        isKept = stateDirectory != nil
        let directory = stateDirectory ?? ""
        state = Mutex(
            State(
                digests: CacheFile(path: isKept ? "\(directory)/plugin-digests.json" : ""),
                verdicts: CacheFile(path: isKept ? "\(directory)/plugin-verdicts.json" : "")
            )
        )
    }

    /// Names a verdict: the bytes, the builds of host and worker, the time it was given, and the instances that were asked about.
    static func key(_ digest: String, _ instances: [ProbeInstance], limit: Int64, audits: Bool) -> String {
        var hash = SHA256()
        hash.update(data: Array("\(limit) \(audits)".utf8))
        for instance in instances {
            for text in [instance.type, instance.uses, instance.config] {
                hash.update(data: Array("\(text.utf8.count):\(text)".utf8))
            }
        }
        let part = hash.finalize().prefix(8).map { String($0, radix: 16) }.joined(separator: "-")
        return "\(digest) \(String(cString: spw_build_id())) \(part)"
    }

    func verdict(_ key: String, now: Timestamp) -> ProbeVerdict? {
        guard let kept = state.withLock({ $0.verdicts[key] }) else { return nil }
        // One from the future was written under another clock.
        if let until = kept.until, !(0...KeptVerdict.failureLifetime).contains(until - now.microseconds) { return nil }
        return kept.verdict
    }

    func remember(_ verdict: ProbeVerdict, _ key: String, now: Timestamp) {
        var until: Int64?
        if case .failed = verdict { until = now.advanced(byMicroseconds: KeptVerdict.failureLifetime).microseconds }
        state.withLock { $0.verdicts[key] = KeptVerdict(verdict: verdict, until: until) }
    }

    /// Opens a file.
    ///
    /// - Parameter knowsDigests: Whether a digest that is known already need not be worked out again.
    func open(
        _ name: String,
        in directory: Descriptor,
        path: String,
        isTrusted: Bool,
        knowsDigests: Bool = true
    ) throws(PluginRefusal) -> PluginFile {
        guard knowsDigests else {
            var none = CacheFile<String>(path: "")
            return try PluginFile(name, in: directory, path: path, isTrusted: isTrusted, digests: &none)
        }
        let result = state.withLock { state in
            Result { () throws(PluginRefusal) in
                try PluginFile(name, in: directory, path: path, isTrusted: isTrusted, digests: &state.digests)
            }
        }
        return try result.get()
    }

    /// Writes what is new. May block.
    func save(logger: Logger) {
        guard isKept else { return }
        do {
            try state.withLock { state in
                try state.digests.save()
                try state.verdicts.save()
            }
        } catch {
            // Only costs time at the next start.
            logger.warning("What was found out about plugins is not kept: \(error)")
        }
    }
}
