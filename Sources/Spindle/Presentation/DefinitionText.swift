import SpindleCore
package import SpindlePlugins
package import SpindleServer

/// Stored jobs and plugins, for people.
package enum DefinitionText {
    /// A stored job.
    package static func fields(_ job: JobBody) -> Fields {
        var fields = Fields()
        fields.add("job", job.name)
        fields.add("id", job.id)
        fields.add("type", job.type ?? "by target")
        fields.add("target", job.target)
        fields.add("priority", job.priority.flatMap { $0 == 0 ? nil : "\($0)" })
        fields.add("time limit", job.policy?.timeout.map { DurationText.text($0.microseconds) })
        fields.add("retries", job.policy?.retry?.maxRetries.map { "\($0)" })
        fields.add("strategy", job.policy?.retry?.strategy?.rawValue)
        fields.add("first wait", job.policy?.retry?.baseDelay.map { DurationText.text($0.microseconds) })
        fields.add("longest wait", job.policy?.retry?.maxDelay.map { DurationText.text($0.microseconds) })
        fields.add("interrupted", job.policy?.onInterrupted?.rawValue)
        fields.add("concurrency key", job.policy?.concurrencyKey)
        fields.add("at once", job.policy?.concurrencyLimit.map { "\($0)" })
        if let payload = job.payload {
            let size = (try? payload.payload().bytes.count).map { "\($0) bytes" } ?? "unreadable"
            fields.add("payload", "\(size), \(payload.contentType ?? "no media type")")
        }
        for entry in job.parameters?.parameters.entries ?? [] {
            fields.add(entry.name, "= \(SafeText.shortened(SafeText.line(entry.value), to: 200))")
        }
        return fields
    }

    /// A file of the plugin directory, and each executor in it.
    package static func lines(_ listing: PluginListing) -> [String] {
        let summary = PluginView.summary(listing)
        let state = listing.manifest == nil ? summary.state : "can be used"
        var fields = Fields()
        fields.add("file", summary.file)
        fields.add("state", summary.reason.map { "\(summary.state): \($0)" } ?? state)
        fields.add("plugin", summary.pluginId)
        fields.add("version", summary.version)
        fields.add("ABI", listing.manifest.map { "1.\($0.abiMinor)" })
        fields.add("SDK", listing.manifest?.sdk)
        let changes = (listing.manifest?.loadChanges ?? []) + (listing.manifest?.initChanges ?? [])
        fields.add("changes", changes.isEmpty ? nil : changes.joined(separator: ", "))
        fields.add("size", listing.size.map { "\($0) bytes" })
        fields.add("owner", listing.owner.map { "user \($0), mode \(mode(listing.mode ?? 0))" })
        fields.add("sha256", summary.sha256)
        fields.add("trust", summary.trust?.text)
        fields.add("isolation", summary.isolation)
        fields.add("not granted", listing.ungranted.joined(separator: ", "))
        let kinds =
            (listing.manifest?.executors ?? []).map { ("executor", $0) }
            + (listing.manifest?.triggers ?? []).map { ("trigger", $0) }
        return kinds.reduce(into: fields.lines()) { lines, kind in
            lines += ["", "\(kind.0) \(SafeText.line(kind.1.type))"] + self.lines(kind.1)
        }
    }

    private static func lines(_ executor: PluginManifest.Executor) -> [String] {
        var fields = Fields()
        fields.add("name", executor.name)
        fields.add("version", executor.version)
        fields.add("vendor", executor.vendor)
        fields.add("licence", executor.license)
        fields.add("description", executor.description)
        fields.add("documentation", executor.docsURL)
        fields.add("targets", executor.targetPrefixes.map { "\($0)…" }.joined(separator: ", "))
        fields.add("needs", executor.needs.joined(separator: ", "))
        let flags = [
            (executor.isAsync, "asynchronous"), (executor.isConcurrent, "concurrent"), (executor.isIdempotent, "idempotent"),
            (executor.isCancellable, "cancellable"), (executor.needsIsolation, "needs isolation"),
        ]
        fields.add("it is", flags.filter(\.0).map(\.1).joined(separator: ", "))
        fields.add("at once", executor.concurrencyHint.map { "\($0)" })
        fields.add("time limit", executor.timeoutHint.map { "\($0) ms" })
        fields.add("configuration", executor.configSchema)
        fields.add("parameters", executor.parametersSchema)
        fields.add("output", executor.outputSchema)
        return fields.lines(indentation: 2)
    }

    private static func mode(_ mode: UInt32) -> String { "0" + String(mode & 0o7777, radix: 8) }
}
