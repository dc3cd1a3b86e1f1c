import SpindleCore
import Synchronization

/// Who waits for a reload; answered once.
final class ReloadReply: Sendable {
    private let continuation: Mutex<CheckedContinuation<[PluginListing], any Error>?>

    init(_ continuation: CheckedContinuation<[PluginListing], any Error>) { self.continuation = Mutex(continuation) }

    deinit { give(.failure(SpindleError(.draining, "The plugin host has stopped."))) }

    func give(_ result: Result<[PluginListing], any Error>) {
        let waiting = continuation.withLock { continuation in
            defer { continuation = nil }
            return continuation
        }
        waiting?.resume(with: result)
    }
}
