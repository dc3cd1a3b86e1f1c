package import SpindleCore
import Yams

/// The pins of a plugin directory: which bytes each plugin has. `spindle plugins pin` writes it.
package struct PluginLock: Hashable, Sendable {
    /// One plugin.
    package struct Pin: Hashable, Sendable {
        /// What the plugin calls itself.
        package var id: String
        package var version: String
        /// SHA-256 of the file, as 64 hexadecimal digits in lower case.
        package var sha256: String

        package init(id: String, version: String, sha256: String) {
            self.id = id
            self.version = version
            self.sha256 = sha256
        }
    }

    /// By the names of the files without `.so`.
    package var pins: [String: Pin] = [:]

    package static let file = "plugins.lock"
    /// No lock is longer, in bytes.
    package static let maxBytes = 256 * 1024

    package init() {}

    /// Reads a lock; every value is checked, and nothing unknown is passed over.
    ///
    /// - Throws: `configuration` with line and key.
    package init(_ bytes: [UInt8]) throws(SpindleError) {
        guard bytes.count <= Self.maxBytes else { throw Self.wrong(nil, "it has more than \(Self.maxBytes) bytes") }
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw Self.wrong(nil, "it is not UTF-8 text")
        }
        try YAMLBounds.check(text, file: Self.file)
        let root: Node?
        do {
            root = try Parser(yaml: text, resolver: .basic).singleRoot()
        } catch YamlError.duplicatedKeysInMapping(let duplicates, let context) {
            let keys = duplicates.prefix(3).map { "\"\($0.prefix(64))\"" }.joined(separator: ", ")
            throw SpindleError(.configuration, "\(Self.file):\(context.mark.line): \(keys) is given twice.")
        } catch {
            throw Self.wrong(nil, "it is not YAML")
        }
        guard let root else { throw Self.wrong(nil, "it is empty; \"spindle plugins pin\" writes it") }
        let fields = try Self.fields(root, ["lock", "plugins"])
        guard fields["lock"]?.scalar?.string == "1" else { throw Self.wrong(root, "lock: 1 is wanted, the only version there is") }
        guard let plugins = fields["plugins"] else { return }
        guard case .mapping(let mapping) = plugins else { throw Self.wrong(plugins, "plugins: names are wanted") }
        for (key, node) in mapping {
            guard let name = key.scalar?.string, !name.isEmpty, name.utf8.count <= 64, pins.count < 1024 else {
                throw Self.wrong(key, "a plugin's name is wanted, of at most 64 bytes, and at most 1024 of them")
            }
            pins[name] = try Self.pin(node)
        }
    }

    private static func pin(_ node: Node) throws(SpindleError) -> Pin {
        let fields = try fields(node, ["id", "version", "sha256"])
        func text(_ key: String) throws(SpindleError) -> String {
            guard let value = fields[key]?.scalar?.string, !value.isEmpty, value.utf8.count <= 1024 else {
                throw wrong(node, "\(key) is missing, or longer than 1024 bytes")
            }
            return value
        }
        let pin = Pin(id: try text("id"), version: try text("version"), sha256: try text("sha256"))
        let isDigest = pin.sha256.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
        guard isDigest, pin.sha256.utf8.count == 64 else {
            throw wrong(node, "sha256: 64 hexadecimal digits in lower case are wanted")
        }
        return pin
    }

    private static func fields(_ node: Node, _ known: [String]) throws(SpindleError) -> [String: Node] {
        guard case .mapping(let mapping) = node else { throw wrong(node, "names and values are wanted") }
        var result: [String: Node] = [:]
        for (key, value) in mapping {
            guard let name = key.scalar?.string, known.contains(name) else {
                throw wrong(
                    key,
                    "\"\((key.scalar?.string ?? "?").prefix(64))\" is not known; known: \(known.joined(separator: ", "))"
                )
            }
            guard result.updateValue(value, forKey: name) == nil else { throw wrong(key, "\(name) is given twice") }
        }
        return result
    }

    private static func wrong(_ node: Node?, _ sentence: String) -> SpindleError {
        SpindleError(.configuration, "\(file)\(node?.mark.map { ":\($0.line)" } ?? ""): \(sentence).")
    }

    /// The text of the file: one plugin after the other by name, so that two versions of it can be compared line by line.
    package var text: String {
        var text = "# Written by \"spindle plugins pin\": the bytes that each plugin must have.\nlock: 1\nplugins:"
        if pins.isEmpty { text += " {}" }
        for (name, pin) in pins.sorted(by: { $0.key < $1.key }) {
            text += "\n  \(Self.quoted(name)):\n    id: \(Self.quoted(pin.id))\n    version: \(Self.quoted(pin.version))"
            text += "\n    sha256: \(Self.quoted(pin.sha256))"
        }
        return text + "\n"
    }

    /// Quoted always: a version such as 1.10 must stay a text for every reader.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case _ where scalar.value < 32 || scalar.value == 127:
                let digits = String(scalar.value, radix: 16)
                result += "\\x" + String(repeating: "0", count: 2 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
