import Glibc
import SpindleCore

extension PluginHost {
    /// Switches a plugin on or off: writes `enabled` into its sidecar and leaves all else in it as it is. May block.
    ///
    /// - Parameter name: With or without `.so`.
    /// - Returns: Whether anything had to be changed.
    /// - Throws: ``SpindleError`` if there is no such plugin, or its sidecar cannot be read or written.
    public static func setEnabled(_ isEnabled: Bool, plugin name: String, in directory: String) async throws -> Bool {
        let name = name.hasSuffix(".so") ? String(name.dropLast(3)) : name
        return try await Blocking.run { try setEnabledNow(isEnabled, name, directory) }
    }

    private static func setEnabledNow(_ isEnabled: Bool, _ name: String, _ path: String) throws -> Bool {
        let verb = isEnabled ? "enabled" : "disabled"
        do throws(PluginRefusal) {
            try PluginDirectory.checkName("\(name).so")
            let directory = try TrustedDirectory(path)
            guard faccessat(directory.descriptor.number, "\(name).so", F_OK, AT_SYMLINK_NOFOLLOW) == 0 else {
                throw PluginRefusal("there is no file \(name).so in \(directory.path)")
            }
            let file = "\(name).yaml"
            let old = try directory.read(file, maxBytes: Sidecar.maxBytes * 2) ?? []
            do throws(SpindleError) {
                // What cannot be read is not touched.
                if try Sidecar.parse(old, file: file).isEnabled == isEnabled { return false }
                let new = Array(switched(String(decoding: old, as: UTF8.self), isEnabled).utf8)
                guard try Sidecar.parse(new, file: file).isEnabled == isEnabled else {
                    throw SpindleError(.configuration, "write `enabled: \(isEnabled)` into \(directory.path)/\(file) by hand")
                }
                let written = Result { () throws(PluginRefusal) in try directory.replace(file, with: new) }
                if case .failure(let refusal) = written { throw SpindleError(.plugin, refusal.reason) }
                return true
            } catch {
                throw PluginRefusal(error)
            }
        } catch {
            throw SpindleError(.plugin, "\(name) is not \(verb): \(error.reason).")
        }
    }

    /// The text with the line `enabled` changed, or with one more at its beginning.
    static func switched(_ text: String, _ isEnabled: Bool) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let line = "enabled: \(isEnabled)"
        if let index = lines.firstIndex(where: { $0.lowercased().hasPrefix("enabled:") || $0.lowercased().hasPrefix("enabled :") })
        {
            let comment = lines[index].firstIndex(of: "#").map { " " + lines[index][$0...] } ?? ""
            lines[index] = line + comment
        } else {
            // A document mark must stay first.
            lines.insert(line, at: lines.first == "---" ? 1 : 0)
        }
        return lines.joined(separator: "\n")
    }
}
