import Glibc
import Logging
import SpindleCore

/// Says when something in the plugin directory has changed and has then been quiet for a moment. On the loop's thread.
final class DirectoryWatch: @unchecked Sendable {
    // Sendable: all mutable state is touched on the loop's thread only; `post` is the way there.
    private static let mask = UInt32(
        IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR
    )
    /// A directory that is gone is looked for again after so long.
    private static let patience: Int64 = 1_000_000
    /// A stream of changes that does not end is not waited for for ever.
    private static let longestBurst: Int64 = 2_000_000

    private let path: String
    private let quiet: Int64
    private let loop: HostLoop
    private let logger: Logger
    private let changed: @Sendable () -> Void
    private let notifier: Descriptor
    private var source: UInt64?
    private var burst: (began: Int64, number: UInt64)?
    private var lastNumber: UInt64 = 0
    private var isWatching = false

    /// - Parameter changed: Called on the loop's thread.
    /// - Throws: ``SpindleError`` if the system gives no more watches.
    init(
        _ path: String,
        quiet: Int64,
        services: PluginServices,
        changed: @escaping @Sendable () -> Void
    ) throws(SpindleError) {
        self.path = path
        self.quiet = quiet
        loop = services.loop
        logger = services.logger
        self.changed = changed
        let number = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        guard number >= 0 else {
            throw SpindleError(
                .plugin,
                "The plugin directory cannot be watched: \(SystemCall.lastError). Changes count after `spindle plugins reload`."
            )
        }
        notifier = Descriptor(number)
    }

    /// Begins to watch, and tells of a change: there may have been one since somebody looked.
    func start() {
        loop.post { [self] in
            source = loop.watch(notifier.number) { [weak self] _ in self?.read() }
            attach()
        }
    }

    /// Ends it.
    func stop() {
        loop.post { [self] in
            if let source { loop.unwatch(notifier.number, source) }
            source = nil
        }
    }

    private func attach() {
        guard source != nil else { return }
        isWatching = inotify_add_watch(notifier.number, path, Self.mask) >= 0
        if isWatching { return notice() }
        loop.schedule(at: loop.now + Self.patience) { [weak self] in self?.attach() }
    }

    private func read() {
        withUnsafeTemporaryAllocation(byteCount: 64 * 1024, alignment: 8) { buffer in
            while case let count = Glibc.read(notifier.number, buffer.baseAddress, buffer.count), count > 0 {
                look(UnsafeRawBufferPointer(rebasing: buffer[0..<count]))
            }
        }
    }

    private func look(_ events: UnsafeRawBufferPointer) {
        let header = MemoryLayout<inotify_event>.size
        var offset = 0
        while offset + header <= events.count {
            let mask = events.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
            let length = events.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self)
            offset += header + Int(length)
            if mask & UInt32(IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF) != 0, isWatching {
                // Another directory may stand there soon, or does already.
                isWatching = false
                loop.schedule(at: loop.now) { [weak self] in self?.attach() }
            }
            notice()
        }
    }

    private func notice() {
        let now = loop.now
        let began = burst?.began ?? now
        lastNumber += 1
        burst = (began, lastNumber)
        let number = lastNumber
        loop.schedule(at: min(now + quiet, began + Self.longestBurst)) { [weak self] in
            guard let self, burst?.number == number || (burst.map { loop.now - $0.began >= Self.longestBurst } ?? false) else {
                return
            }
            burst = nil
            changed()
        }
    }
}
