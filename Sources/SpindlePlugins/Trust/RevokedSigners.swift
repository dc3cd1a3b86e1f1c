/// Keys that are not to be trusted any more: public keys, one a line, `#` begins a comment.
package struct RevokedSigners: Sendable {
    private var blobs: Set<[UInt8]> = []

    /// Reads the list. What is wrong in it may have been a key: then nothing is trusted.
    ///
    /// - Parameter file: Its name, for the refusal.
    /// - Throws: ``SSHFormatError`` with file and line.
    package init(_ bytes: [UInt8], file: String) throws(SSHFormatError) {
        guard !bytes.starts(with: Array("SSHKRL\n\0".utf8)) else {
            throw SSHFormatError("\(file) is a binary key revocation list; write the public keys into it, one a line")
        }
        guard bytes.count <= AllowedSigners.maxBytes else {
            throw SSHFormatError("\(file) has more than \(AllowedSigners.maxBytes) bytes")
        }
        for (index, line) in bytes.split(separator: 10, omittingEmptySubsequences: false).enumerated() {
            let text = String(decoding: line.last == 13 ? line.dropLast() : line, as: UTF8.self)[...].trimmingBlanks
            guard !text.isEmpty, !text.hasPrefix("#") else { continue }
            do throws(SSHFormatError) {
                blobs.insert(try SSHPublicKey.read(text).key.blob)
            } catch {
                throw SSHFormatError("\(file):\(index + 1): \(error.reason)")
            }
        }
    }

    /// Whether a key is on the list.
    package func contains(_ key: SSHPublicKey) -> Bool { blobs.contains(key.blob) }
}
