import Logging
import SpindleCore

/// What all plugins of a host share.
struct PluginServices: Sendable {
    let loop: HostLoop
    let spawner: Spawner
    let clock: any HostClock
    let logger: Logger
    let hostVersion: String
    let sandbox: SandboxSupport
    let meter = WorkerMeter()
}
