import Glibc
import SpindleCore
import SpindleWire

/// Loads a plugin in a throw-away worker and has it describe itself. On the loop's thread.
final class ProbeSession: WorkerConnectionDelegate, @unchecked Sendable {
    // Sendable: all mutable state is touched on the loop's thread only.
    /// A plugin that says more about itself is not used, in bytes: what it says stays in the host's memory and on its disk.
    static let maxReport = 16 * 1024 * 1024

    private let image: SealedImage
    private let instances: [ProbeInstance]
    private let limit: Int64
    /// Whether its `init` is called too, to see what that changes.
    private let audits: Bool
    private let services: PluginServices
    private let reply: @Sendable (ProbeVerdict) -> Void
    private let writer = FrameWriter()
    private var connection: WorkerConnection?
    private var manifest: PluginManifest?
    private var asked: [ProbeInstance] = []
    private var verdict: ProbeVerdict?
    /// What it has said about itself so far.
    private var said = 0
    /// The connection does not hold its delegate: this does, until all is over.
    private var myself: ProbeSession?

    private init(
        _ image: SealedImage,
        _ instances: [ProbeInstance],
        _ limit: Int64,
        _ audits: Bool,
        _ services: PluginServices,
        _ reply: @escaping @Sendable (ProbeVerdict) -> Void
    ) {
        self.image = image
        self.instances = instances
        self.limit = limit
        self.audits = audits
        self.services = services
        self.reply = reply
    }

    /// Runs a probe and waits until nothing is left of its process.
    static func run(
        _ image: SealedImage,
        instances: [ProbeInstance],
        limit: Int64,
        isolation: WorkerIsolation?,
        audits: Bool,
        services: PluginServices
    ) async throws -> ProbeVerdict {
        try await withCheckedThrowingContinuation { continuation in
            services.spawner.spawn(plugin: image.descriptor, isolation: isolation) { result in
                switch result {
                case .failure(let error): continuation.resume(throwing: error)
                case .success(let process):
                    let session = ProbeSession(image, instances, limit, audits, services) { continuation.resume(returning: $0) }
                    if !services.loop.post({ session.begin(process) }) {
                        kill(process.pid, SIGKILL)
                        continuation.resume(throwing: SpindleError(.draining, "The plugin host has stopped."))
                    }
                }
            }
        }
    }

    private func begin(_ process: WorkerProcess) {
        let connection = WorkerConnection(1, process, loop: services.loop, meter: services.meter, delegate: self)
        self.connection = connection
        myself = self
        var hello = spw_hello()
        hello.build_id = writer.bytes(String(cString: spw_build_id()))
        hello.digest = writer.bytes(image.digest)
        hello.threads = 1
        hello.log_level = 6
        hello.log_credit = 1 << 20
        hello.host_version = writer.bytes(services.hostVersion)
        hello.audits = 1
        guard connection.open(), connection.queue.add(.hello, 0, hello), connection.queue.add(.describe, 0) else {
            end(.failed("the system has no room for a process to look at it"))
            connection.giveUp()
            return
        }
        writer.reset()
        connection.flushLater()
        services.loop.schedule(at: services.loop.now + limit) { [weak self, limit] in
            self?.end(.failed("loading it did not end within \(DurationText.text(limit))"))
        }
    }

    private func end(_ verdict: ProbeVerdict) {
        guard self.verdict == nil else { return }
        self.verdict = verdict
        connection?.signal(SIGKILL)
        services.loop.schedule(at: services.loop.now + 2_000_000) { [weak self] in self?.connection?.killInit() }
    }

    private func askNext() {
        guard let manifest else { return }
        for instance in ProbeInstance.named(instances, manifest.executors).dropFirst(asked.count) {
            asked.append(instance)
            let kind = manifest.executors.first { $0.type == instance.uses }
            guard let kind, kind.canDescribe else { continue }
            var message = spw_create()
            message.uses = writer.bytes(kind.writtenType)
            message.type = writer.bytes(instance.type)
            message.config = writer.bytes(instance.config)
            message.first_file = UInt32(SPW_FD_FILES)
            _ = connection?.queue.add(.describeInstance, UInt64(asked.count), message)
            writer.reset()
            connection?.flushLater()
            return
        }
        if audits && manifest.initChanges == nil {
            // Last: what a plugin says of itself must not depend on it.
            _ = connection?.queue.add(.audit, 0)
            connection?.flushLater()
            return
        }
        end(.loads(manifest))
    }

    func received(_ frame: borrowing spw_frame, from worker: WorkerID, reader: FrameReader) -> Bool {
        if verdict != nil { return true }
        said += Int(frame.body.len) + Int(SPW_HEADER_SIZE)
        guard said <= Self.maxReport else {
            end(.refused("it says more than \(SizeText.text(Int64(Self.maxReport))) about itself"))
            return true
        }
        switch FrameType(rawValue: frame.type) {
        case .failed:
            guard let message = reader.decode(frame, spw_failed()) else { return false }
            if frame.handle == 0 {
                end(.refused(message.message.text))
            } else if let instance = asked.last {
                manifest?.undescribed[instance.type] = message.message.text
                askNext()
            }
        case .reportPlugin:
            guard manifest == nil, let message = reader.decode(frame, spw_report_plugin()) else { return false }
            manifest = PluginManifest(message)
        case .reportExecutor:
            guard manifest != nil, let message = reader.decode(frame, spw_report_executor()) else { return false }
            if message.is_trigger != 0 {
                if manifest?.triggers.count ?? 0 < 64 { manifest?.triggers.append(PluginManifest.Executor(message)) }
            } else if let instance = asked.last {
                manifest?.described[instance.type] = PluginManifest.Executor(message)
            } else if manifest?.executors.count ?? 0 < 1024 {
                manifest?.executors.append(PluginManifest.Executor(message))
            }
        case .reportEnd: askNext()
        case .audited:
            guard manifest != nil, let message = reader.decode(frame, spw_audited()) else { return false }
            manifest?.initChanges = message.changes.texts
            askNext()
        case .ready, .log: break
        default: return false
        }
        return true
    }

    func died(_ worker: WorkerID, _ death: WorkerDeath) {
        end(.failed("loading it in a process of its own failed: \(death.text)"))
    }

    func vanished(_ worker: WorkerID) {
        connection = nil
        myself = nil
        reply(verdict ?? .failed("loading it in a process of its own failed"))
    }
}
