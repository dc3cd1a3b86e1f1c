import Glibc
import SpindleCore

extension PluginHost {
    /// Looks at a single file that somebody named: its owner and mode are shown, not judged. One in the plugin directory itself is
    /// measured by the directory's policy; what does not pass is not asked anything.
    ///
    /// - Throws: ``SpindleError`` if the file cannot be opened at all.
    public func inspect(file path: String) async throws -> PluginListing {
        let name = Self.fileName(path)
        let opened = try await open(file: path)
        var listing = PluginListing(file: name, status: .serving)
        switch opened {
        case .failure(let refusal): listing.status = .refused(refusal.reason)
        case .success((let file, let checked)):
            listing.describe(file)
            switch checked {
            case .failure(let refusal):
                listing.status = .refused(refusal.reason)
                return listing
            case .success(let trust): listing.trust = trust
            }
            switch await verdict(on: file, Sidecar()) {
            case .refused(let reason), .failed(let reason): listing.status = .refused(reason)
            case .loads(let manifest):
                listing.manifest = manifest
                listing.types = manifest.executors.map(\.type)
                // As a plugin of the directory: what the sidecar beside it makes of its needs.
                if let sidecar = try await Blocking.run({ try Self.sidecar(beside: path) }) {
                    listing.isolation = sidecar.isolation ?? .worker
                    listing.note(sidecar)
                }
            }
        }
        return listing
    }

    private static func fileName(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    /// A file anywhere, copied, and whether it can be loaded at all; without asking it anything.
    ///
    /// - Throws: ``SpindleError`` if the file cannot be opened at all.
    func open(
        file path: String
    ) async throws -> Result<(PluginFile, Result<PluginTrust?, PluginRefusal>), PluginRefusal> {
        let name = Self.fileName(path)
        return try await Blocking.run { [facts, configuration] in
            let directory = Glibc.open(PluginFile.directory(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard directory >= 0 else {
                throw SpindleError(.notFound, "\(path) cannot be opened: \(SystemCall.lastError).")
            }
            let descriptor = Descriptor(directory)
            guard faccessat(directory, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT else {
                throw SpindleError(.notFound, "There is no file \(path).")
            }
            return Result { () throws(PluginRefusal) in
                let file = try facts.open(name, in: descriptor, path: path, isTrusted: false)
                let checked = Result { () throws(PluginRefusal) in
                    let trust = try Self.trust(in: file, at: descriptor, configuration)
                    try file.check()
                    return trust
                }
                return (file, checked)
            }
        }
    }

    /// The sidecar beside a file; nil if there is none.
    static func sidecar(beside path: String) throws -> Sidecar? {
        guard path.hasSuffix(".so") else { return nil }
        let place = "\(path.dropLast(3)).yaml"
        guard access(place, F_OK) == 0 else { return nil }
        return try Sidecar.parse(Array(SmallFile.text(place).utf8), file: place)
    }

    /// What a file shows, if it lies in the plugin directory; nil elsewhere. May block.
    private static func trust(
        in file: PluginFile,
        at directory: Descriptor,
        _ configuration: PluginHostConfiguration
    ) throws(PluginRefusal) -> PluginTrust? {
        guard let path = configuration.directory, let own = try? TrustedDirectory(path) else { return nil }
        var (here, there) = (stat(), stat())
        guard fstat(directory.number, &here) == 0, fstat(own.descriptor.number, &there) == 0, here.st_dev == there.st_dev,
            here.st_ino == there.st_ino
        else { return nil }
        return try TrustRules(configuration.trust, in: own, now: configuration.clock.now).check(file, in: own)
    }

    /// Copies a file into the plugin directory as `NAME.so` with mode 0644; the directory is made with 0755 if it is
    /// missing. A plugin that is there already is replaced as a whole; workers that run keep what they have loaded.
    ///
    /// - Parameter name: Without `.so`; nil takes the file's own, without the prefix that SwiftPM gives to products.
    /// - Returns: Where it is now.
    /// - Throws: ``SpindleError`` if it is not a plugin or cannot be copied.
    @discardableResult
    public static func add(file path: String, as name: String? = nil, to directory: String) async throws -> String {
        try await Blocking.run { try addNow(path, name ?? defaultName(path), directory) }
    }

    private static func defaultName(_ path: String) -> String {
        var name = path.split(separator: "/").last.map(String.init) ?? path
        if name.hasSuffix(".so") { name.removeLast(3) }
        for prefix in ["lib", "spindle-plugin-"] where name.hasPrefix(prefix) { name.removeFirst(prefix.count) }
        return name
    }

    private static func addNow(_ path: String, _ name: String, _ directory: String) throws -> String {
        if mkdir(directory, 0o755) == 0 {
            // Whatever the umask says.
            guard chmod(directory, 0o755) == 0 else {
                throw SpindleError(.plugin, "\(directory) cannot be made: \(SystemCall.lastError).")
            }
        } else if errno != EEXIST {
            throw SpindleError(.plugin, "\(directory) cannot be made: \(SystemCall.lastError).")
        }
        do throws(PluginRefusal) {
            try PluginDirectory.checkName("\(name).so")
            let target = try TrustedDirectory(directory)
            let source = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
            guard source >= 0 else { throw PluginRefusal("it cannot be opened: \(SystemCall.lastError)") }
            let file = Descriptor(source)
            var status = stat()
            guard fstat(source, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                throw PluginRefusal("it is not a regular file")
            }
            let image = try SealedImage(copying: file, size: Int(status.st_size), digest: nil)
            do throws(SpindleError) {
                var reader = ElfReader(bytes: image.bytes)
                _ = try reader.read(machine: ElfImage.hostMachine)
            } catch {
                throw PluginRefusal(error)
            }
            try target.replace("\(name).so", with: image.bytes)
            try takeSignature("\(path).sig", to: "\(name).so.sig", target)
            return "\(target.path)/\(name).so"
        } catch {
            throw SpindleError(.plugin, "\(path) is not added: \(error.reason).")
        }
    }

    /// A signature belongs to the bytes, not to their place.
    private static func takeSignature(
        _ path: String,
        to name: String,
        _ directory: TrustedDirectory
    ) throws(PluginRefusal) {
        guard access(path, F_OK) == 0 else { return }
        let bytes: [UInt8]
        do throws(SpindleError) {
            bytes = try PluginSignature.read(path, SSHSignature.maxBytes)
        } catch {
            throw PluginRefusal("its signature cannot be taken along: \(PluginRefusal(error).reason)")
        }
        try directory.replace(name, with: bytes)
    }
}
