public import SpindleCore

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Bytes in JSON: exactly one of `text`, `base64` and `json`, with their media type.
public struct PayloadBody: Codable, Hashable, Sendable {
    /// UTF-8 text.
    public var text: String?
    /// Any bytes.
    public var base64: String?
    /// A JSON value, which is passed on as compact JSON text.
    public var json: JSONValue?
    /// The media type; by default that of the form used.
    public var contentType: String?

    enum CodingKeys: String, CodingKey, CaseIterable { case text, base64, json, contentType }

    /// Text.
    public init(text: String, contentType: String? = nil) {
        self.text = text
        self.contentType = contentType
    }

    /// A JSON value.
    public init(json: JSONValue) { self.json = json }

    /// Bytes: as text if they are UTF-8, else as base64.
    public init(_ payload: Payload) {
        if let text = String(validating: payload.bytes, as: UTF8.self) {
            self.text = text
        } else {
            base64 = Data(payload.bytes).base64EncodedString()
        }
        contentType = payload.contentType
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.strictContainer(keyedBy: CodingKeys.self, of: "\"payload\"")
        text = try container.decodeIfPresent(String.self, forKey: .text)
        base64 = try container.decodeIfPresent(String.self, forKey: .base64)
        // `null` is a JSON value like any other here, so presence decides.
        if container.contains(.json) { json = try container.decode(JSONValue.self, forKey: .json) }
        contentType = try container.decodeIfPresent(String.self, forKey: .contentType)
    }

    /// The bytes.
    ///
    /// - Throws: `invalidRequest`.
    public func payload() throws(SpindleError) -> Payload {
        if let contentType, contentType.utf8.count > Limits.key || contentType.utf8.contains(where: { $0 < 0x20 || $0 > 0x7E }) {
            throw SpindleError(.invalidRequest, "\"contentType\" must be a media type of at most \(Limits.key) ASCII characters.")
        }
        switch (text, base64, json) {
        case (let text?, nil, nil):
            return Payload(text, contentType: contentType ?? "text/plain; charset=utf-8")
        case (nil, let base64?, nil):
            guard let data = Data(base64Encoded: base64) else {
                throw SpindleError(.invalidRequest, "\"payload.base64\" is not base64.")
            }
            return Payload([UInt8](data), contentType: contentType ?? "application/octet-stream")
        case (nil, nil, let json?):
            guard let data = try? JSONEncoder.compact.encode(json) else {
                throw SpindleError(.invalidRequest, "\"payload.json\" holds a number that JSON cannot write.")
            }
            return Payload([UInt8](data), contentType: contentType ?? "application/json")
        default:
            throw SpindleError(.invalidRequest, "\"payload\" needs exactly one of \"text\", \"base64\" and \"json\".")
        }
    }
}

extension JSONEncoder {
    /// The form of every answer: stable order, no needless escapes.
    static var compact: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}
