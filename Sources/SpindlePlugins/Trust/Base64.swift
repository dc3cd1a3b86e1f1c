import FoundationEssentials

/// Base 64 as only one text writes the same bytes.
enum Base64 {
    /// Decodes; anything but the one text that encodes the bytes gives nil.
    static func decode(_ text: some StringProtocol) -> [UInt8]? {
        // Decoders let bits of the last character pass that stand for nothing.
        guard !text.isEmpty, let data = Data(base64Encoded: String(text)), data.base64EncodedString() == String(text) else {
            return nil
        }
        return [UInt8](data)
    }
}
