#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A moment of wall time: microseconds since 1970 in UTC.
///
/// For showing and for "not before" only: deadlines and leases use ``HostClock/monotonic``.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Microseconds since 1970-01-01T00:00:00Z.
    public let microseconds: Int64

    /// A moment by its microseconds since 1970.
    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// Reads RFC 3339 text such as `2026-11-23T10:00:00Z`, with or without a fraction; anything else gives nil.
    public init?(rfc3339 text: String) {
        let plain = Date.ISO8601FormatStyle()
        let fractional = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        guard let date = (try? plain.parse(text)) ?? (try? fractional.parse(text)) else { return nil }
        let seconds = date.timeIntervalSince1970
        guard seconds.magnitude < 253_402_300_800 else { return nil }
        microseconds = Int64((seconds * 1_000_000).rounded())
    }

    /// Milliseconds since 1970, rounded down.
    public var milliseconds: Int64 { microseconds / 1000 - (microseconds % 1000 < 0 ? 1 : 0) }

    /// RFC 3339 in UTC with milliseconds.
    public var rfc3339: String {
        Date(timeIntervalSince1970: Double(microseconds) / 1_000_000)
            .formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// The moment so much later, saturating.
    public func advanced(byMicroseconds delta: Int64) -> Timestamp {
        let (sum, overflow) = microseconds.addingReportingOverflow(delta)
        return Timestamp(microseconds: overflow ? (delta > 0 ? .max : .min) : sum)
    }

    public static func < (left: Self, right: Self) -> Bool { left.microseconds < right.microseconds }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339.
    public var description: String { rfc3339 }
}
