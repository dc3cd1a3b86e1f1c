import Glibc
import SpindleCore
import SpindleWire

/// Threads of the operating system, for everything that may block: never Swift's own pool.
enum OSThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts a detached thread.
    ///
    /// - Parameter name: At most 15 bytes are kept.
    /// - Throws: ``SpindleError`` if the system has no thread left.
    static func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SpindleError) {
        let boxed = Unmanaged.passRetained(
            Body {
                sps_name_thread(name)
                body()
            }
        )
        var thread = pthread_t()
        let status = pthread_create(&thread, nil, entry, boxed.toOpaque())
        guard status == 0 else {
            boxed.release()
            throw SpindleError(.internal, "No thread can be started: \(SystemCall.text(status)).")
        }
        pthread_detach(thread)
    }

    private static let entry: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { raw in
        guard let raw else { return nil }
        Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().run()
        return nil
    }
}
