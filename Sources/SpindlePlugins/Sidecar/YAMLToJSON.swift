import SpindleCore
import Yams

/// Writes a YAML value as JSON text (YAML 1.2 core schema), the form in which a plugin gets its configuration.
struct YAMLToJSON {
    let file: String

    /// Deeper nesting than this is refused.
    private static let maxDepth = 32

    func write(_ node: Node, depth: Int, to json: inout String) throws(SpindleError) {
        guard depth < Self.maxDepth else {
            throw SpindleError(.configuration, "\(file): the configuration is nested deeper than \(Self.maxDepth) levels.")
        }
        switch node {
        case .scalar(let scalar):
            json += Self.text(scalar)
        case .sequence(let sequence):
            json += "["
            for (index, item) in sequence.enumerated() {
                if index > 0 { json += "," }
                try write(item, depth: depth + 1, to: &json)
            }
            json += "]"
        case .mapping(let mapping):
            json += "{"
            for (index, (key, value)) in mapping.enumerated() {
                if index > 0 { json += "," }
                guard let name = key.scalar?.string else {
                    let line = key.mark.map { ":\($0.line)" } ?? ""
                    let reason = "a name in the configuration is not text; only text is allowed"
                    throw SpindleError(.configuration, "\(file)\(line): \(reason).")
                }
                json += Self.quoted(name) + ":"
                try write(value, depth: depth + 1, to: &json)
            }
            json += "}"
        case .alias:
            throw SpindleError(.configuration, "\(file): aliases are not allowed; write the value out.")
        }
        guard json.utf8.count <= Sidecar.maxBytes * 4 else {
            throw SpindleError(.configuration, "\(file): the configuration is too large.")
        }
    }

    private static func text(_ scalar: Node.Scalar) -> String {
        guard scalar.style == .plain || scalar.style == .any else { return quoted(scalar.string) }
        switch scalar.string {
        case "", "~", "null", "Null", "NULL": return "null"
        case "true", "True", "TRUE": return "true"
        case "false", "False", "FALSE": return "false"
        default: break
        }
        if let integer = Int64(scalar.string) { return String(integer) }
        if let number = Double(scalar.string), number.isFinite, isNumber(scalar.string) { return String(number) }
        return quoted(scalar.string)
    }

    /// Swift also reads `0x1p3`, `inf` and `nan` as numbers; YAML's core schema does not mean them so.
    private static func isNumber(_ text: String) -> Bool {
        text.utf8.allSatisfy { (48...57).contains($0) || [43, 45, 46, 69, 101].contains($0) }
    }

    private static func quoted(_ text: String) -> String {
        var json = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": json += "\\\""
            case "\\": json += "\\\\"
            case "\n": json += "\\n"
            case "\r": json += "\\r"
            case "\t": json += "\\t"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                json += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: json.unicodeScalars.append(scalar)
            }
        }
        return json + "\""
    }
}
