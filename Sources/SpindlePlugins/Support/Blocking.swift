import SpindleCore

/// Runs what may block on a thread of its own.
enum Blocking {
    static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            do {
                try OSThread.start("spindle-blocking") {
                    continuation.resume(with: Result { try body() })
                }
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }

    static func run(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            do {
                try OSThread.start("spindle-blocking") {
                    body()
                    continuation.resume()
                }
            } catch {
                // No thread is left: better late here than never.
                body()
                continuation.resume()
            }
        }
    }
}
