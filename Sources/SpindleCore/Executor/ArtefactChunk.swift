/// A piece of a file that an attempt makes.
public struct ArtefactChunk: Sendable {
    /// What it adds to the file.
    public var bytes: [UInt8]
    /// Let go of once the piece was taken care of; nil if nobody counts what waits.
    public var receipt: Receipt?

    /// Names the bytes.
    public init(_ bytes: [UInt8], receipt: Receipt? = nil) {
        self.bytes = bytes
        self.receipt = receipt
    }
}

/// Tells, once nobody holds it any more, that what it came with was taken care of: written, or dropped on the way.
public final class Receipt: Sendable {
    private let given: @Sendable () -> Void

    /// - Parameter given: Called once; any thread, must not block.
    public init(_ given: @escaping @Sendable () -> Void) { self.given = given }

    deinit { given() }
}
