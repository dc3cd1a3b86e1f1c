import SpindleCore
import Yams

/// A YAML or JSON text as a tree of texts with their lines, bounded in size, depth and aliases.
enum ConfigurationDocument {
    /// A piece of the tree.
    indirect enum Value {
        case text(String)
        case null
        case mapping([Entry])
        case list
    }

    struct Entry {
        let name: String
        let line: Int
        let value: Value
    }

    static let maxBytes = 256 * 1024

    /// Reads a text.
    ///
    /// - Parameters:
    ///   - bytes: Anything.
    ///   - name: The file's name, for messages.
    static func read(_ bytes: [UInt8], name: String) throws(SpindleError) -> (root: Value, isJSON: Bool) {
        guard bytes.count <= maxBytes else {
            throw SpindleError(.configuration, "\(name) has \(bytes.count) bytes; at most \(maxBytes) are allowed.")
        }
        var bytes = bytes
        // The original system's tools write a byte order mark.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        guard let plain = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw SpindleError(.configuration, "\(name) is not UTF-8 text.")
        }
        let isJSON = bytes.first { $0 > 32 } == UInt8(ascii: "{")
        let text = isJSON ? withoutComments(bytes) : plain
        try YAMLBounds.check(text, file: name)
        do {
            // Without rules for tags: we read texts, and rules cost time at every key.
            let parser = try Parser(yaml: text, resolver: .basic)
            guard let root = try parser.singleRoot() else { return (.null, isJSON) }
            return (value(root, depth: 0), isJSON)
        } catch {
            throw SpindleError(.configuration, message(error, name: name))
        }
    }

    private static func value(_ node: Node, depth: Int) -> Value {
        // Nothing we know lies deeper; a deeper part belongs to somebody else's section.
        guard depth <= 4 else { return .list }
        switch node {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain || scalar.style == .any
            return isPlain && ["", "~", "null", "Null", "NULL"].contains(scalar.string) ? .null : .text(scalar.string)
        case .mapping(let mapping):
            return .mapping(
                mapping.map { key, child in
                    Entry(name: key.scalar?.string ?? "?", line: key.mark?.line ?? 0, value: value(child, depth: depth + 1))
                }
            )
        default:
            return .list
        }
    }

    /// The original system's reader allows comments in JSON: they become blanks, so that lines stay.
    private static func withoutComments(_ bytes: [UInt8]) -> String {
        var result = bytes
        var isInString = false
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            let next = index + 1 < bytes.count ? bytes[index + 1] : 0
            if isInString {
                if byte == UInt8(ascii: "\\") { index += 1 } else if byte == UInt8(ascii: "\"") { isInString = false }
            } else if byte == UInt8(ascii: "\"") {
                isInString = true
            } else if byte == UInt8(ascii: "/"), next == UInt8(ascii: "/") || next == UInt8(ascii: "*") {
                let isLine = next == UInt8(ascii: "/")
                var end = index + 2
                while end < bytes.count {
                    if isLine && bytes[end] == 10 { break }
                    if !isLine && bytes[end - 1] == UInt8(ascii: "*") && bytes[end] == UInt8(ascii: "/") && end > index + 2 {
                        end += 1
                        break
                    }
                    end += 1
                }
                for position in index..<min(end, bytes.count) where bytes[position] != 10 { result[position] = 32 }
                index = end
                continue
            }
            index += 1
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func message(_ error: any Error, name: String) -> String {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            return "\(name):\(mark.line): this is not YAML or JSON: \(problem)."
        case .duplicatedKeysInMapping(let duplicates, let context):
            let keys = duplicates.prefix(3).map { "\"\($0.prefix(64))\"" }.joined(separator: ", ")
            return "\(name):\(context.mark.line): \(keys) is given twice."
        default:
            return "\(name) is not YAML or JSON."
        }
    }
}
