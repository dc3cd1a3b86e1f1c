import SpindleCore

/// Why a file is not used as a plugin: the end of a sentence that begins with the file's name.
struct PluginRefusal: Error, Hashable {
    let reason: String

    init(_ reason: String) { self.reason = reason }

    /// The sentence of an error as the end of another one: without its capital and its full stop.
    init(_ error: SpindleError) {
        let sentence = error.message.hasSuffix(".") ? error.message.dropLast() : error.message[...]
        reason = sentence.prefix(1).lowercased() + sentence.dropFirst()
    }
}
