package import SpindleCore
package import SpindlePlugins

extension PluginView {
    /// Everything that is known about a file, as JSON.
    package static func details(_ listing: PluginListing) -> [String: JSONValue] {
        var details: [String: JSONValue] = [:]
        details["size"] = listing.size.map { .int(Int64($0)) }
        details["owner"] = listing.owner.map { .int(Int64($0)) }
        details["mode"] = listing.mode.map { .string("0" + String($0 & 0o7777, radix: 8)) }
        if !listing.ungranted.isEmpty { details["ungranted"] = .array(listing.ungranted.map { .string($0) }) }
        guard let manifest = listing.manifest else { return details }
        details["abiMinor"] = .int(Int64(manifest.abiMinor))
        details["sdk"] = manifest.sdk.map { .string($0) }
        details["loadChanges"] = .array(manifest.loadChanges.map { .string($0) })
        details["initChanges"] = manifest.initChanges.map { .array($0.map { .string($0) }) }
        details["executors"] = .array(manifest.executors.map(executor))
        if !manifest.triggers.isEmpty { details["triggerKinds"] = .array(manifest.triggers.map(executor)) }
        return details
    }

    private static func executor(_ executor: PluginManifest.Executor) -> JSONValue {
        var fields: [String: JSONValue] = [
            "type": .string(executor.type),
            "targetPrefixes": .array(executor.targetPrefixes.map { .string($0) }),
            "needs": .array(executor.needs.map { .string($0) }),
            "isAsync": .bool(executor.isAsync),
            "isConcurrent": .bool(executor.isConcurrent),
            "isIdempotent": .bool(executor.isIdempotent),
            "isCancellable": .bool(executor.isCancellable),
            "needsIsolation": .bool(executor.needsIsolation),
        ]
        let texts = [
            "name": executor.name, "version": executor.version, "vendor": executor.vendor, "license": executor.license,
            "description": executor.description, "docsURL": executor.docsURL, "configSchema": executor.configSchema,
            "parametersSchema": executor.parametersSchema, "outputSchema": executor.outputSchema,
        ]
        for (name, text) in texts { fields[name] = text.map { .string($0) } }
        fields["concurrencyHint"] = executor.concurrencyHint.map { .int($0) }
        fields["timeoutHintMilliseconds"] = executor.timeoutHint.map { .int($0) }
        return .object(fields)
    }
}
