import Glibc
import Logging
import SpindleCore

/// A file of the directory before its plugin was asked.
struct PluginCandidate: Sendable {
    var listing: PluginListing
    /// Set if it may be asked.
    var file: PluginFile?
    var sidecar = Sidecar()
}

/// The directory with the plugins.
struct PluginDirectory {
    let path: String

    private static let endings = [".so", ".yaml", ".yml"]
    /// More files than this are not looked at.
    static let maxFiles = 128

    /// Looks at every file `NAME.so` in the order of the names, and finds sidecars that belong to none. May block.
    ///
    /// - Parameters:
    ///   - policy: What files must show.
    ///   - now: The time that signatures are measured by.
    /// - Throws: If the directory itself cannot be trusted.
    func scan(facts: PluginFacts, policy: TrustPolicy, now: Timestamp, logger: Logger) throws -> [PluginCandidate] {
        let directory: TrustedDirectory
        do { directory = try TrustedDirectory(path) } catch {
            throw SpindleError(.plugin, "The plugin directory is not used: \(error.reason).")
        }
        let rules = TrustRules(policy, in: directory, now: now)
        let all = try fileNames(directory)
        var names = all.filter { $0.hasSuffix(".so") }
        let orphans = Self.orphans(all)
        if names.count > Self.maxFiles {
            logger.warning("\(directory.path) has \(names.count) plugins; the first \(Self.maxFiles) are looked at.")
            names.removeLast(names.count - Self.maxFiles)
        }
        return names.map { candidate($0, directory, facts, rules) } + orphans
    }

    /// Settings that nothing reads: an operator who misspelt the name must not believe that they count.
    private static func orphans(_ names: [String]) -> [PluginCandidate] {
        let plugins = Set(names.filter { $0.hasSuffix(".so") }.map { $0.dropLast(3) })
        return names.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.compactMap { name in
            let stem = name.prefix { $0 != "." }
            let reason: String
            if name.hasSuffix(".yaml") {
                if plugins.contains(name.dropLast(5)) { return nil }
                reason = "there is no plugin \(name.dropLast(5)).so that it would be the sidecar of"
            } else {
                reason = "it is not read: a sidecar is called \(stem).yaml"
            }
            return PluginCandidate(listing: PluginListing(file: name, status: .refused(reason)))
        }
    }

    private func fileNames(_ directory: TrustedDirectory) throws -> [String] {
        let number = fcntl(directory.descriptor.number, F_DUPFD_CLOEXEC, 0)
        guard number >= 0, let stream = fdopendir(number) else {
            throw SpindleError(.plugin, "\(directory.path) cannot be read: \(SystemCall.lastError).")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if Self.endings.contains(where: name.hasSuffix) && !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    private func candidate(
        _ name: String,
        _ directory: TrustedDirectory,
        _ facts: PluginFacts,
        _ rules: TrustRules
    ) -> PluginCandidate {
        var candidate = PluginCandidate(listing: PluginListing(file: name, status: .refused("")))
        do throws(PluginRefusal) {
            try Self.checkName(name)
            if let sidecar = try Self.sidecar(name, directory) { candidate.sidecar = sidecar }
            guard candidate.sidecar.isEnabled else {
                candidate.listing.status = .disabled
                return candidate
            }
            let file = try facts.open(
                name,
                in: directory.descriptor,
                path: "\(directory.path)/\(name)",
                isTrusted: true,
                // What was once found under the same name and times is not enough for more than the directory's own rules.
                knowsDigests: rules.policy == .directory
            )
            candidate.listing.describe(file)
            candidate.listing.trust = try rules.check(file, in: directory)
            try file.check()
            if candidate.sidecar.isolation == .inProcess, !candidate.sidecar.isInProcessAllowed {
                throw PluginRefusal("isolation: in-process makes it a part of the host; allow that with allowInProcess: true")
            }
            candidate.file = file
        } catch {
            candidate.listing.status = .refused(error.reason)
        }
        return candidate
    }

    static func checkName(_ name: String) throws(PluginRefusal) {
        let stem = name.utf8.dropLast(3)
        let isLegal = stem.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || [45, 46, 95].contains($0)
        }
        guard isLegal, (1...64).contains(stem.count) else {
            throw PluginRefusal("its name may only have letters, digits, _, . and -, at most 64")
        }
    }

    private static func sidecar(_ name: String, _ directory: TrustedDirectory) throws(PluginRefusal) -> Sidecar? {
        let file = "\(name.dropLast(3)).yaml"
        // One that is too long is refused with the sentence that the parser has for it.
        guard let bytes = try directory.read(file, maxBytes: Sidecar.maxBytes * 2) else { return nil }
        do throws(SpindleError) {
            return try Sidecar.parse(bytes, file: file)
        } catch {
            throw PluginRefusal(error)
        }
    }
}

extension PluginListing {
    mutating func describe(_ file: PluginFile) {
        digest = file.image.digest
        size = file.image.size
        owner = file.owner
        mode = file.mode & 0o7777
    }
}
