public import SpindleCore

/// The settings of one configuration file, checked.
public struct ConfigurationFile: Sendable {
    /// One setting.
    public struct Setting: Sendable {
        /// What it sets.
        public let key: ConfigurationKey
        /// Its checked value.
        public let value: String
        /// The line of its key, from 1.
        public let line: Int
    }

    /// The file's name, as in messages.
    public let name: String
    /// What it sets, in its order.
    public let settings: [Setting]
    /// What the operator should know, for instance that other sections were ignored.
    public let notices: [String]

    /// Reads a configuration file: YAML or JSON, with keys in any case, or the `appsettings.json` of the original system.
    ///
    /// A pure function of its input, for any input.
    ///
    /// - Parameters:
    ///   - bytes: The content.
    ///   - name: The file's name; relative paths in it are relative to its directory.
    /// - Throws: `configuration`, with file, line, key and what is allowed.
    public static func parse(_ bytes: [UInt8], name: String) throws(SpindleError) -> ConfigurationFile {
        let (root, isJSON) = try ConfigurationDocument.read(bytes, name: name)
        var reader = Reader(name: name)
        switch root {
        case .null: break
        case .mapping(let entries):
            let isOriginal = isJSON && entries.contains { $0.name.lowercased() == "executionengine" }
            try reader.read(entries, section: "", ignoresOthers: isOriginal)
        case .text, .list:
            throw SpindleError(.configuration, "\(name):1: the configuration is a mapping of sections, such as executionEngine.")
        }
        return ConfigurationFile(name: name, settings: reader.settings, notices: reader.notices)
    }

    private struct Reader {
        let name: String
        var settings: [Setting] = []
        var notices: [String] = []
        /// Keys in different cases are one key.
        private var seen: Set<String> = []

        init(name: String) { self.name = name }

        mutating func read(
            _ entries: [ConfigurationDocument.Entry],
            section: String,
            ignoresOthers: Bool
        ) throws(SpindleError) {
            var ignored: [String] = []
            for entry in entries {
                let path = section.isEmpty ? entry.name : "\(section).\(entry.name)"
                if let key = ConfigurationKey.named(path) {
                    guard seen.insert(key.name).inserted else {
                        throw error(entry.line, "\(key.name) is given twice.")
                    }
                    try set(key, entry)
                } else if let known = ConfigurationKey.section(path) {
                    switch entry.value {
                    case .mapping(let children): try read(children, section: known, ignoresOthers: false)
                    case .null: break
                    case .text, .list: throw error(entry.line, "\(known) is a section: a mapping of keys is allowed.")
                    }
                } else if ignoresOthers {
                    ignored.append(entry.name)
                } else {
                    let hint = ConfigurationKey.hint(path, among: ConfigurationKey.names(inSection: section))
                    throw error(entry.line, "unknown key \"\(path.prefix(128))\"\(hint).")
                }
            }
            if !ignored.isEmpty {
                notices.append("\(name): ignored, not Spindle's: \(ignored.map { String($0.prefix(64)) }.joined(separator: ", ")).")
            }
        }

        private mutating func set(_ key: ConfigurationKey, _ entry: ConfigurationDocument.Entry) throws(SpindleError) {
            var value: String
            switch entry.value {
            case .text(let text): value = text
            case .mapping(let pairs) where key.isTable:
                var parts: [String] = []
                for pair in pairs {
                    guard case .text(let text) = pair.value, !pair.name.contains(","), !pair.name.contains("="), !text.contains(",")
                    else { throw error(pair.line, "\(key.name).\(pair.name.prefix(64)): \(key.allowed) are allowed.") }
                    parts.append("\(pair.name)=\(text)")
                    try check(key, parts[parts.count - 1], shown: text, line: pair.line, suffix: ".\(pair.name.prefix(64))")
                }
                value = parts.joined(separator: ",")
            case .null where key.isTable: value = ""
            case .null: throw error(entry.line, "\(key.name) has no value; \(key.allowed) is allowed.")
            case .mapping, .list: throw error(entry.line, "\(key.name) is one value; \(key.allowed) is allowed.")
            }
            if key.isPath { value = ConfigurationPath.resolve(value, relativeTo: ConfigurationPath.directory(of: name)) }
            try check(key, value, shown: value, line: entry.line)
            settings.append(Setting(key: key, value: value, line: entry.line))
        }

        private func check(
            _ key: ConfigurationKey,
            _ value: String,
            shown: String,
            line: Int,
            suffix: String = ""
        ) throws(SpindleError) {
            var scratch = HostConfiguration()
            guard key.write(&scratch, value) else {
                throw error(line, "\(key.name)\(suffix) is \"\(shown.prefix(128))\"; \(key.allowed) is allowed.")
            }
        }

        private func error(_ line: Int, _ sentence: String) -> SpindleError {
            SpindleError(.configuration, "\(name):\(line): \(sentence)")
        }
    }
}

extension ConfigurationKey {
    /// The canonical name of a section, whatever its case.
    static func section(_ name: String) -> String? {
        let name = name.lowercased()
        return sections.first { $0.lowercased() == name }
    }

    /// "; the nearest known one is …", or else what is known.
    static func hint(_ name: String, among known: [String]) -> String {
        if let nearest = NearestName.of(name, among: known) { return "; the nearest known one is \"\(nearest)\"" }
        // Somebody who left the section out means the key all the same.
        let lowered = name.lowercased()
        if let key = all.first(where: { $0.name.lowercased().hasSuffix(".\(lowered)") }) {
            return "; the nearest known one is \"\(key.name)\""
        }
        var seen: Set<String> = []
        return "; known here: \(known.filter { seen.insert($0).inserted }.joined(separator: ", "))"
    }

    private static var sections: [String] {
        all.compactMap { key in key.name.lastIndex(of: ".").map { String(key.name[..<$0]) } }
    }

    /// What may stand in a section; at the top also the sections.
    static func names(inSection section: String) -> [String] {
        section.isEmpty
            ? all.map(\.name).filter { !$0.contains(".") } + sections : all.map(\.name).filter { $0.hasPrefix(section + ".") }
    }
}

/// Paths as they stand in the configuration.
enum ConfigurationPath {
    /// The directory of a file's name, `.` if it has none.
    static func directory(of file: String) -> String {
        guard let slash = file.lastIndex(of: "/") else { return "." }
        return slash == file.startIndex ? "/" : String(file[..<slash])
    }

    /// A path, or the path in a store's URL, taken from a directory unless it is absolute.
    static func resolve(_ value: String, relativeTo directory: String) -> String {
        let scheme = value.lowercased().hasPrefix("sqlite:") ? value.prefix("sqlite:".count) : ""
        let path = value.dropFirst(scheme.count)
        if path.isEmpty || path.hasPrefix("/") || path.lowercased() == "memory:" || directory == "." { return value }
        return "\(scheme)\(directory)/\(path)"
    }
}
