/// What a look at the directory means for what serves. Pure.
struct ReloadPlan {
    /// What is to be done with one file.
    enum Step {
        /// It serves as before.
        case keep(PluginCandidate, Keeping)
        /// It is listed, and does not serve.
        case list(PluginCandidate)
        /// It is to be judged, and then serves, in place of what did.
        case judge(PluginCandidate)
    }

    /// Why a plugin serves as before.
    enum Keeping: Hashable {
        /// Nothing has changed.
        case same
        /// The file that is there now is not used; why.
        case ignored(String)
        /// It has changed, and cannot be replaced while the host runs.
        case restartNeeded
    }

    /// In the order of the directory.
    private(set) var steps: [Step] = []
    /// Files that serve and are gone, switched off, or not trusted any more.
    private(set) var withdrawn: [String] = []

    /// - Parameters:
    ///   - serving: What serves, by its file.
    ///   - rejected: Versions that were tried and taken back, with the reason.
    ///   - resident: Files whose code was loaded into the host itself, and is there for ever.
    init(
        _ found: [PluginCandidate],
        serving: [String: PluginGeneration],
        rejected: [String: RejectedVersion],
        resident: Set<String> = []
    ) {
        for candidate in found {
            let file = candidate.listing.file
            guard let current = serving[file] else {
                steps.append(Self.first(candidate, isResident: resident.contains(file)))
                continue
            }
            if candidate.listing.status == .disabled {
                withdrawn.append(file)
                steps.append(.list(candidate))
            } else if candidate.file == nil, candidate.listing.digest == current.version.digest {
                // The very bytes that serve are not trusted any more.
                withdrawn.append(file)
                steps.append(.list(candidate))
            } else if let version = candidate.version {
                steps.append(Self.step(candidate, version, current, rejected[file]))
            } else {
                steps.append(.keep(candidate, .ignored(candidate.listing.reason ?? "it cannot be read")))
            }
        }
        let names = Set(found.map(\.listing.file))
        withdrawn += serving.keys.filter { !names.contains($0) }.sorted()
    }

    /// What is to be done with a file that does not serve.
    private static func first(_ candidate: PluginCandidate, isResident: Bool) -> Step {
        guard candidate.file != nil else { return .list(candidate) }
        guard isResident, candidate.sidecar.isolation == .inProcess else { return .judge(candidate) }
        var candidate = candidate
        candidate.listing.status = .restartNeeded("its code was in the host's own process before, where it cannot be loaded again")
        return .list(candidate)
    }

    private static func step(
        _ candidate: PluginCandidate,
        _ version: PluginVersion,
        _ current: PluginGeneration,
        _ rejected: RejectedVersion?
    ) -> Step {
        if version == current.version { return .keep(candidate, .same) }
        if let rejected, rejected.version == version { return .keep(candidate, .ignored(rejected.reason)) }
        if current.isInProcess || candidate.sidecar.isolation == .inProcess {
            return .keep(candidate, .restartNeeded)
        }
        return .judge(candidate)
    }
}

/// A version that was tried and taken back.
struct RejectedVersion: Hashable, Sendable {
    let version: PluginVersion
    let reason: String
}
