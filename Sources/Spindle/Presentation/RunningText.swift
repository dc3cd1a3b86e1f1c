import SpindleCore
package import SpindleServer

extension DefinitionText {
    /// How a plugin of a running host does: its state, its executors, their workers.
    package static func lines(_ plugin: PluginDetails) -> [String] {
        var fields = Fields()
        fields.add("file", plugin.summary.file)
        fields.add("state", plugin.summary.reason.map { "\(plugin.summary.state): \($0)" } ?? plugin.summary.state)
        fields.add("plugin", plugin.summary.pluginId)
        fields.add("version", plugin.summary.version)
        fields.add("isolation", plugin.summary.isolation)
        fields.add("types", plugin.summary.types.joined(separator: ", "))
        fields.add("sha256", plugin.summary.sha256)
        var lines = fields.lines()
        if case .array(let executors)? = plugin.details["running"] {
            for executor in executors {
                lines += ["", "executor \(SafeText.line(executor["type"]?.shownText ?? ""))"] + executorLines(executor)
            }
        }
        if case .array(let triggers)? = plugin.details["triggers"] {
            for trigger in triggers {
                lines += ["", "trigger \(SafeText.line(trigger["name"]?.shownText ?? ""))"] + triggerLines(trigger)
            }
        }
        return lines
    }

    private static func triggerLines(_ trigger: JSONValue) -> [String] {
        var fields = Fields()
        let state = trigger["state"]?.shownText ?? ""
        fields.add("state", trigger["reason"]?.shownText.map { "\(state): \($0)" } ?? state)
        fields.add("uses", trigger["uses"]?.shownText)
        for (label, name) in [("accepted", "accepted"), ("refused", "refused"), ("given back", "deferred")] {
            fields.add(label, "\(trigger[name]?.whole ?? 0)")
        }
        fields.add("last not taken", trigger["lastRefusal"]?.shownText)
        return fields.lines(indentation: 2)
    }

    private static func executorLines(_ executor: JSONValue) -> [String] {
        var fields = Fields()
        switch executor["isReady"] {
        case .bool(true)?: fields.add("check", "ready")
        case .bool(false)?: fields.add("check", "not ready: \(executor["notReadyReason"]?.shownText ?? "")")
        default: break
        }
        if let cancels = executor["cancels"], let count = cancels["count"]?.whole, count > 0 {
            let median = DurationText.text(rounded(cancels["medianMicroseconds"]?.whole ?? 0))
            let longest = DurationText.text(rounded(cancels["longestMicroseconds"]?.whole ?? 0))
            fields.add("cancelled", "\(count) times, until its code had ended \(median) (median), \(longest) (longest)")
            let ignored = cancels["ignored"]?.whole ?? 0
            fields.add("ended by force", ignored > 0 ? "\(ignored)" : nil)
        }
        guard case .array(let workers)? = executor["workers"] else { return fields.lines(indentation: 2) }
        for worker in workers {
            var parts = [
                worker["phase"]?.shownText ?? "", "\(worker["open"]?.whole ?? 0) open of \(worker["started"]?.whole ?? 0) given",
            ]
            if let memory = worker["memoryBytes"]?.whole { parts.append(SizeText.rounded(memory)) }
            if let time = worker["processorMicroseconds"]?.whole {
                parts.append("\(DurationText.text(rounded(time))) of processor time")
            }
            if let count = worker["processes"]?.whole, count > 2 { parts.append("\(count) processes") }
            fields.add("worker \(worker["pid"]?.whole ?? 0)", parts.joined(separator: ", "))
        }
        return fields.lines(indentation: 2)
    }

    /// Whole milliseconds, or whole seconds from ten on.
    private static func rounded(_ microseconds: Int64) -> Int64 {
        let unit: Int64 = microseconds >= 10_000_000 ? 1_000_000 : 1000
        return microseconds / unit * unit
    }
}

extension JSONValue {
    fileprivate subscript(_ name: String) -> JSONValue? {
        if case .object(let members) = self { members[name] } else { nil }
    }
    fileprivate var shownText: String? {
        if case .string(let text) = self { text } else { nil }
    }
    fileprivate var whole: Int64? {
        if case .int(let value) = self { value } else { nil }
    }
}
