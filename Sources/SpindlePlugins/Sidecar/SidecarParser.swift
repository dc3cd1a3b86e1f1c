package import SpindleCore
import Yams

extension Sidecar {
    /// Reads a sidecar; every value is checked, and an unknown key is refused with the nearest known one.
    ///
    /// - Parameters:
    ///   - bytes: YAML 1.2, at most 64 KiB.
    ///   - file: Its name, for the message.
    /// - Throws: `configuration` with file, line, key and what is allowed.
    package static func parse(_ bytes: [UInt8], file: String) throws(SpindleError) -> Sidecar {
        guard bytes.count <= maxBytes else {
            throw SpindleError(.configuration, "\(file): it has \(bytes.count) bytes; at most \(maxBytes) are allowed.")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw SpindleError(.configuration, "\(file): it is not UTF-8 text.")
        }
        try YAMLBounds.check(text, file: file)
        let root: Node?
        do {
            // Without rules for tags: we read texts, and rules cost time at every key.
            root = try Parser(yaml: text, resolver: .basic).singleRoot()
        } catch {
            throw SpindleError(.configuration, Self.message(error, file: file))
        }
        guard let root else { return Sidecar() }
        return try SidecarReader(file: file).read(root)
    }

    private static func message(_ error: any Error, file: String) -> String {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            return "\(file):\(mark.line): it is not YAML: \(problem.prefix(200))."
        case .duplicatedKeysInMapping(let duplicates, let context):
            let keys = duplicates.prefix(3).map { "\"\($0.prefix(64))\"" }.joined(separator: ", ")
            return "\(file):\(context.mark.line): \(keys) is given twice."
        default: return "\(file): it is not YAML."
        }
    }
}

/// Turns YAML nodes into a sidecar.
struct SidecarReader {
    let file: String

    private static let keys = [
        "enabled", "isolation", "allowInProcess", "concurrency", "concurrencyPerWorker", "retry", "timeout", "maxTimeout",
        "maxRetries", "idleTimeout", "heartbeatTimeout", "recycle", "onInterrupted", "secrets", "config", "executors", "types",
        "needs", "allowChanges", "triggers", "submits",
    ]
    private static let later = ["files", "trust"]

    func read(_ root: Node) throws(SpindleError) -> Sidecar {
        var sidecar = Sidecar()
        for (key, name, node) in try entries(root, "the file", Self.keys) {
            switch key {
            case "enabled": sidecar.isEnabled = try bool(node, name)
            case "isolation": sidecar.isolation = try isolation(node, name)
            case "allowInProcess": sidecar.isInProcessAllowed = try bool(node, name)
            case "concurrency": sidecar.concurrency = try integer(node, name, Limits.slots)
            case "concurrencyPerWorker": sidecar.concurrencyPerWorker = try integer(node, name, 1...4096)
            case "retry": try retry(node, name, &sidecar.policy)
            case "timeout": sidecar.policy.timeout = try duration(node, name, Limits.timeout)
            case "maxTimeout": sidecar.maxTimeout = try duration(node, name, Limits.timeout)
            case "maxRetries": sidecar.maxRetries = try integer(node, name, Limits.retries)
            case "idleTimeout": sidecar.idleTimeout = try duration(node, name, 0...86_400_000_000)
            case "heartbeatTimeout": sidecar.heartbeatTimeout = try duration(node, name, 1_000_000...86_400_000_000)
            case "recycle": sidecar.recycle = try recycle(node, name)
            case "onInterrupted": sidecar.policy.onInterrupted = try choice(node, name, InterruptionPolicy.init, ["rerun", "fail"])
            case "secrets": sidecar.secrets = try list(node, name).map { item throws(SpindleError) in try secret(item, name) }
            case "config": sidecar.config = try config(node, name)
            case "executors": sidecar.executors = try instances(node, name)
            case "allowChanges":
                sidecar.allowedChanges = try list(node, name).map { item throws(SpindleError) in try change(item, name) }
            case "types": sidecar.types = try list(node, name).map { item throws(SpindleError) in try type(item, name) }
            case "needs": sidecar.needs = try needs(node, name)
            case "triggers": sidecar.triggers = try triggers(node, name)
            case "submits":
                sidecar.submits = try list(node, name).map { item throws(SpindleError) in
                    item.scalar?.string == "*" ? "*" : try type(item, name)
                }
            default: break
            }
        }
        return sidecar
    }

    private func retry(_ node: Node, _ parent: String, _ policy: inout PolicyOverrides) throws(SpindleError) {
        for (key, name, value) in try entries(node, parent, ["strategy", "maxRetries", "baseDelay", "maxDelay", "jitter"]) {
            switch key {
            case "strategy":
                let names = RetryPolicy.Strategy.allCases.map(\.rawValue)
                policy.strategy = try choice(value, name, { RetryPolicy.Strategy(rawValue: $0.lowercased()) }, names)
            case "maxRetries": policy.maxRetries = try integer(value, name, Limits.retries)
            case "baseDelay": policy.baseDelay = try duration(value, name, 1000...3_600_000_000)
            case "maxDelay": policy.maxDelay = try duration(value, name, 1000...3_600_000_000)
            case "jitter": policy.jitterPermille = try permille(value, name)
            default: break
            }
        }
    }

    private func recycle(_ node: Node, _ parent: String) throws(SpindleError) -> RecycleLimits {
        var limits = RecycleLimits()
        for (key, name, value) in try entries(node, parent, ["jobs", "age", "memory"]) {
            switch key {
            case "jobs": limits.jobs = try integer(value, name, 1...1_000_000_000)
            case "age": limits.age = try duration(value, name, 1_000_000...2_592_000_000_000)
            case "memory": limits.memory = try size(value, name, 1_048_576...1_099_511_627_776)
            default: break
            }
        }
        return limits
    }

    // MARK: Values

    /// Keys are camelCase; PascalCase, as the original system writes them, is the same.
    func entries(
        _ node: Node,
        _ parent: String,
        _ known: [String]
    ) throws(SpindleError) -> [(key: String, name: String, value: Node)] {
        guard case .mapping(let mapping) = node else { throw wrong(node, parent, "names and values") }
        var result: [(key: String, name: String, value: Node)] = []
        for (keyNode, value) in mapping {
            let written = keyNode.scalar?.string ?? ""
            guard let key = known.first(where: { $0.lowercased() == written.lowercased() }) else {
                if Self.later.contains(written) {
                    throw error(keyNode, "\(written): this version of Spindle does not have it yet; leave it out.")
                }
                let nearest = NearestName.of(written, among: known).map { "did you mean \"\($0)\"?" }
                let hint = nearest ?? "known here: \(known.joined(separator: ", "))."
                throw error(keyNode, "unknown key \"\(written.prefix(64))\"; \(hint)")
            }
            if result.contains(where: { $0.key == key }) { throw error(keyNode, "\(key) is given twice.") }
            result.append((key, parent == "the file" ? key : "\(parent).\(key)", value))
        }
        return result
    }

    func list(_ node: Node, _ name: String) throws(SpindleError) -> [Node] {
        guard case .sequence(let sequence) = node, sequence.count <= 1024 else { throw wrong(node, name, "a list of at most 1024") }
        return Array(sequence)
    }

    func bool(_ node: Node, _ name: String) throws(SpindleError) -> Bool {
        guard let value = node.bool else { throw wrong(node, name, "true or false") }
        return value
    }

    func integer(_ node: Node, _ name: String, _ range: ClosedRange<Int32>) throws(SpindleError) -> Int32 {
        guard let text = node.scalar?.string, let value = Int32(text), range.contains(value) else {
            throw wrong(node, name, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    private func duration(_ node: Node, _ name: String, _ range: ClosedRange<Int64>) throws(SpindleError) -> Int64 {
        guard let text = node.scalar?.string, let value = DurationText.microseconds(text, in: range) else {
            let bounds = "\(DurationText.text(range.lowerBound)) to \(DurationText.text(range.upperBound))"
            throw wrong(node, name, "a duration such as 500ms, 30s, 5m or 2h, from \(bounds)")
        }
        return value
    }

    func size(_ node: Node, _ name: String, _ range: ClosedRange<Int64>) throws(SpindleError) -> Int64 {
        guard let text = node.scalar?.string, let value = SizeText.bytes(text, in: range) else {
            throw wrong(
                node,
                name,
                "a size such as 64MiB or 2GiB, from \(SizeText.text(range.lowerBound)) to \(SizeText.text(range.upperBound))"
            )
        }
        return value
    }

    private func permille(_ node: Node, _ name: String) throws(SpindleError) -> Int32 {
        let text = node.scalar?.string ?? ""
        let isPercent = text.hasSuffix("%")
        let share = Double(isPercent ? text.dropLast() : text[...]).map { isPercent ? $0 / 100 : $0 }
        guard let share, share >= 0, share <= 1 else {
            throw wrong(node, name, "a share from 0 to 1, such as 0.1 or 10%")
        }
        return Int32((share * 1000).rounded())
    }

    private func choice<Value>(
        _ node: Node,
        _ name: String,
        _ make: (String) -> Value?,
        _ allowed: [String]
    ) throws(SpindleError) -> Value {
        guard let text = node.scalar?.string, let value = make(text) else {
            throw wrong(node, name, "one of \(allowed.joined(separator: ", "))")
        }
        return value
    }

    private func isolation(_ node: Node, _ name: String) throws(SpindleError) -> IsolationLevel {
        return try choice(node, name, IsolationLevel.init, IsolationLevel.allCases.map(\.rawValue))
    }

    func type(_ node: Node, _ name: String) throws(SpindleError) -> String {
        let text = node.scalar?.string ?? ""
        let isLegal = text.utf8.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || [45, 46, 95].contains($0)
        }
        guard !text.isEmpty, text.utf8.count <= Limits.executorType, isLegal else {
            throw wrong(node, name, "a type: letters, digits, _, . or -, at most \(Limits.executorType)")
        }
        return text.lowercased()
    }

    private func change(_ node: Node, _ name: String) throws(SpindleError) -> String {
        guard let text = node.scalar?.string, text.utf8.count <= 128, ProcessChange.kind(of: text) != nil else {
            let kinds = ProcessChange.allCases.map(\.rawValue).joined(separator: ", ")
            throw wrong(node, name, "one of \(kinds), or a single change such as signal:SIGPIPE")
        }
        return text
    }

    private func secret(_ node: Node, _ name: String) throws(SpindleError) -> String {
        guard let text = node.scalar?.string, SecretReference.isLegal(text) else {
            throw wrong(node, name, "the name of a secret: letters, digits, _, . and -, at most 128")
        }
        return text
    }

    func config(_ node: Node, _ name: String) throws(SpindleError) -> String {
        guard case .mapping = node else { throw wrong(node, name, "names and values") }
        var json = ""
        try YAMLToJSON(file: file).write(node, depth: 0, to: &json)
        return json
    }

    func wrong(_ node: Node, _ name: String, _ allowed: String) -> SpindleError {
        let value = node.scalar.map { "is \"\($0.string.prefix(64))\"" } ?? "is not of the right kind"
        return error(node, "\(name): \(value); allowed: \(allowed).")
    }

    func error(_ node: Node, _ sentence: String) -> SpindleError {
        SpindleError(.configuration, "\(file)\(node.mark.map { ":\($0.line)" } ?? ""): \(sentence)")
    }
}
