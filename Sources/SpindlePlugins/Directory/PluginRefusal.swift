import SpindleCore

/// Why a file is not used as a plugin: the end of a sentence that begins with the file's name.
struct PluginRefusal: Error, Hashable {
    let reason: String

    init(_ reason: String) { self.reason = reason }

    /// The reason that a whole sentence gives, such as "It is not an ELF file."
    init(_ error: SpindleError) {
        let sentence = error.message
        let isPlain = ["It ", "Its ", "The ", "A ", "An "].contains { sentence.hasPrefix($0) }
        let text = isPlain ? sentence.prefix(1).lowercased() + sentence.dropFirst() : sentence
        reason = text.hasSuffix(".") ? String(text.dropLast()) : text
    }
}
