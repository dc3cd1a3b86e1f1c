import Synchronization

/// An answer that is given once; later ones are dropped. Any thread.
final class OnceReply: Sendable {
    private let body: Mutex<(@Sendable (Bool) -> Void)?>

    init(_ body: @escaping @Sendable (Bool) -> Void) { self.body = Mutex(body) }

    func give(_ answer: Bool) {
        let body = self.body.withLock { body in
            defer { body = nil }
            return body
        }
        body?(answer)
    }
}
