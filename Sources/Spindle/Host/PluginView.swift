import SpindleCore
package import SpindlePlugins
package import SpindleServer

/// The plugin directory as the server and the commands show it.
package struct PluginView: PluginDirectoryView {
    let host: PluginHost?

    package init(host: PluginHost?) { self.host = host }

    package func listings() async -> [PluginSummary] { host?.listings.map { Self.summary($0) } ?? [] }

    package func inspect(_ name: String) async -> PluginDetails? {
        let listing = host?.listings.first { $0.file == name || $0.file == "\(name).so" }
        guard let listing else { return nil }
        var details = Self.details(listing)
        let reports = await host?.reports(of: listing.file) ?? []
        if !reports.isEmpty { details["running"] = Self.running(reports) }
        let triggers = host?.triggers(of: listing.file) ?? []
        if !triggers.isEmpty { details["triggers"] = Self.triggers(triggers) }
        return PluginDetails(summary: Self.summary(listing), details: details)
    }

    package func release(_ name: String) async throws -> PluginSummary {
        guard let host else { return try await NoPlugins().release(name) }
        try await host.release(name)
        let released = await listings().first { $0.name == name || $0.file == name }
        guard let released else { return try await NoPlugins().release(name) }
        return released
    }

    package func reload() async throws -> [PluginSummary] { try await host?.reload().map { Self.summary($0) } ?? [] }

    /// One line about a file.
    package static func summary(_ listing: PluginListing) -> PluginSummary {
        PluginSummary(
            name: listing.file.hasSuffix(".so") ? String(listing.file.dropLast(3)) : listing.file,
            file: listing.file,
            state: state(listing.status),
            reason: listing.reason,
            pluginId: listing.manifest?.id,
            version: listing.manifest?.version,
            trust: listing.trust.map { PluginTrustBody(policy: $0.policy.rawValue, pinned: $0.isPinned, signer: $0.signer) },
            isolation: listing.isolation?.rawValue,
            sha256: listing.digest,
            types: listing.types
        )
    }

    private static func state(_ status: PluginListing.Status) -> String {
        switch status {
        case .serving: "serving"
        case .disabled: "disabled"
        case .conflict: "conflict"
        case .refused: "refused"
        case .quarantined: "quarantined"
        case .restartNeeded: "restart needed"
        }
    }
}
