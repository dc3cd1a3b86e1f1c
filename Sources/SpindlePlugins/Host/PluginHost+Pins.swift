import SpindleCore

/// What became of the wish to pin one plugin.
public struct PinOutcome: Hashable, Sendable {
    /// The name of its file without `.so`.
    public var name: String
    /// Its version, by its own words; nil if it could not be asked.
    public var version: String?
    /// SHA-256 of the bytes that are pinned now; nil if none are.
    public var sha256: String?
    /// Why it is not pinned; nil if it is.
    public var reason: String?
}

extension PluginHost {
    /// Writes the bytes that plugins have now into `plugins.lock`.
    ///
    /// Each is asked in a throw-away process for its id and version. One that is older than the pinned one, or another plugin, is
    /// not pinned unless that is forced. Nothing is written if one of the named ones cannot be pinned.
    ///
    /// - Parameters:
    ///   - names: Files of the directory, with or without `.so`; nil takes all, and takes pins of files out that are not there.
    ///   - isForced: Whether an older version may take the place of a newer one.
    /// - Throws: `notFound` for a name without a file; `plugin` if the directory or its lock cannot be used.
    public func pin(_ names: [String]?, isForced: Bool) async throws -> [PinOutcome] {
        guard let path = configuration.directory else { throw SpindleError(.plugin, "There is no plugin directory.") }
        let wanted = names.map { $0.map { $0.hasSuffix(".so") ? String($0.dropLast(3)) : $0 } }
        // Pins do not count here: they are what is to be changed. A signature that is wanted must be there.
        let policy: TrustPolicy = configuration.trust == .signed ? .signed : .directory
        let found = try await Blocking.run { [configuration, facts] in
            try PluginDirectory(path: path)
                .scan(facts: facts, policy: policy, now: configuration.clock.now, logger: configuration.logger)
        }
        let files = found.filter { $0.listing.file.hasSuffix(".so") }
        if let missing = wanted?.first(where: { name in !files.contains { $0.listing.file == "\(name).so" } }) {
            throw SpindleError(.notFound, "There is no \(missing).so in \(path).")
        }
        let chosen = files.filter { file in wanted?.contains { file.listing.file == "\($0).so" } ?? true }
        var new: [PluginLock.Pin?] = []
        var outcomes: [PinOutcome] = []
        for candidate in chosen {
            var outcome = PinOutcome(name: String(candidate.listing.file.dropLast(3)), reason: candidate.listing.reason)
            var pin: PluginLock.Pin?
            if let file = candidate.file {
                switch await verdict(on: file, Sidecar()) {
                case .refused(let reason), .failed(let reason): outcome.reason = reason
                case .loads(let manifest):
                    outcome.version = manifest.version
                    outcome.reason = nil
                    pin = PluginLock.Pin(id: manifest.id, version: manifest.version, sha256: file.image.digest)
                }
            }
            new.append(pin)
            outcomes.append(outcome)
        }
        let (pins, asked) = (new, outcomes)
        return try await Blocking.run {
            try Self.write(pins, asked, isAll: wanted == nil, isForced: isForced, to: path)
        }
    }

    private static func write(
        _ pins: [PluginLock.Pin?],
        _ asked: [PinOutcome],
        isAll: Bool,
        isForced: Bool,
        to path: String
    ) throws(SpindleError) -> [PinOutcome] {
        do throws(PluginRefusal) {
            let directory = try TrustedDirectory(path)
            return try directory.whileLocked { () throws(PluginRefusal) in
                var lock = try TrustRules.readLock(directory) ?? PluginLock()
                var outcomes = asked
                let before = lock
                if isAll { lock.pins = lock.pins.filter { name, _ in asked.contains { $0.name == name } } }
                for index in outcomes.indices {
                    guard let pin = pins[index] else { continue }
                    let name = outcomes[index].name
                    if !isForced, let objection = lock.pins[name]?.objection(id: pin.id, version: pin.version) {
                        outcomes[index].reason = "\(objection); --force pins it all the same"
                    } else {
                        lock.pins[name] = pin
                        outcomes[index].sha256 = pin.sha256
                    }
                }
                // Of several that were named, none is pinned if one cannot be: half a change would be told by nothing.
                if !isAll, outcomes.contains(where: { $0.reason != nil }) {
                    for index in outcomes.indices { outcomes[index].sha256 = nil }
                    return outcomes
                }
                if lock != before { try directory.replace(PluginLock.file, with: Array(lock.text.utf8)) }
                return outcomes
            }
        } catch {
            throw SpindleError(.plugin, "Nothing is pinned: \(error.reason).")
        }
    }
}
