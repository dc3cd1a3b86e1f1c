import Hummingbird
import NIOCore
import SpindleCore

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The one checked road of everything that a request brings.
extension Call {
    /// Refuses names that the route does not know.
    func checkQuery(_ known: [String]) throws {
        for (key, _) in request.uri.queryParameters where !known.contains(String(key)) {
            throw SpindleError(
                .invalidRequest,
                "The query has a name \"\(key.prefix(64))\" that is not known here. "
                    + (known.isEmpty ? "No query is possible." : NearestName.hint(for: String(key), among: known))
            )
        }
    }

    /// A value of the query.
    func text(_ name: String) -> String? { request.uri.queryParameters[name[...]].map { String($0) } }

    /// Every value of a name in the query; commas separate values too.
    func texts(_ name: String) -> [String] {
        request.uri.queryParameters[values: name[...]].flatMap { $0.split(separator: ",").map { String($0) } }
    }

    /// A whole number within a range.
    func number<Number: FixedWidthInteger>(_ name: String, in range: ClosedRange<Number>) throws -> Number? {
        guard let text = text(name) else { return nil }
        guard let number = Number(text), range.contains(number) else {
            throw SpindleError(
                .invalidRequest,
                "\"\(name)\" must be a whole number from \(range.lowerBound) to \(range.upperBound)."
            )
        }
        return number
    }

    /// A duration such as `30s`, in microseconds; a bare number is seconds.
    func duration(_ name: String) throws -> Int64? {
        guard let text = text(name) else { return nil }
        guard let value = DurationText.microseconds(text, in: 0...3_600_000_000) else {
            throw SpindleError(.invalidRequest, "\"\(name)\" must be a duration of at most 1h, such as \"30s\".")
        }
        return value
    }

    /// A moment in RFC 3339.
    func time(_ name: String) throws -> Timestamp? {
        guard let text = text(name) else { return nil }
        guard text.utf8.count <= 64, let time = Timestamp(rfc3339: text) else {
            throw SpindleError(.invalidRequest, "\"\(name)\" must be a time such as 2026-11-23T10:00:00Z (RFC 3339).")
        }
        return time
    }

    /// True or false; a name without a value is true.
    func flag(_ name: String) throws -> Bool {
        switch text(name) {
        case nil, "false": return false
        case "true", "": return true
        default: throw SpindleError(.invalidRequest, "\"\(name)\" must be true or false.")
        }
    }

    /// The whole body.
    ///
    /// - Throws: A 413 as soon as it is known to be too large.
    mutating func bytes(upTo limit: Int) async throws -> Data {
        let tooLarge = Problem(
            .contentTooLarge,
            "bodyTooLarge",
            "The body is larger than \(limit) bytes.",
            headers: [.connection: "close"]
        )
        if let length = request.headers[.contentLength] {
            guard let length = Int(length), length <= limit else { throw tooLarge }
        }
        do {
            let buffer = try await request.collectBody(upTo: limit)
            return Data(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            throw tooLarge
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            // The client went away, or what it sends is no HTTP: nothing that the operator should look into.
            throw SpindleError(.invalidRequest, "The body ended before it was whole: \(error).")
        }
    }

    /// The body as JSON.
    mutating func json<Body: Decodable>(_ type: Body.Type, upTo limit: Int) async throws -> Body {
        try Self.decode(type, try await bytes(upTo: limit))
    }

    /// Reads JSON that is not nested too deep.
    static func decode<Body: Decodable>(_ type: Body.Type, _ bytes: Data) throws -> Body {
        if bytes.isEmpty { throw SpindleError(.invalidRequest, "The request needs a JSON body.") }
        return try bytes.withUnsafeBytes { try JSONNodeDecoder.decode(type, $0.bindMemory(to: UInt8.self)) }
    }
}
