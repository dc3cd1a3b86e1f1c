import Glibc

/// Finds patterns in bytes and puts `***` in their places; how long that takes does not depend on what the bytes are.
struct Redaction: Sendable {
    /// One pattern, with how much of it still fits after a byte that does not (Knuth, Morris, Pratt).
    private struct Pattern: Sendable {
        let bytes: [UInt8]
        let fallback: [Int]

        init(_ bytes: [UInt8]) {
            self.bytes = bytes
            var fallback = [Int](repeating: 0, count: bytes.count)
            var length = 0
            for index in bytes.indices.dropFirst() {
                while length > 0, bytes[index] != bytes[length] { length = fallback[length - 1] }
                if bytes[index] == bytes[length] { length += 1 }
                fallback[index] = length
            }
            self.fallback = fallback
        }

        /// Tells where the pattern stands.
        ///
        /// - Returns: How many bytes at the end may be its beginning.
        func find(in text: UnsafeRawBufferPointer, _ found: (Range<Int>) -> Void) -> Int {
            guard let base = text.baseAddress else { return 0 }
            var matched = 0
            var index = 0
            while index < text.count {
                if matched == 0 {
                    guard let next = memchr(base + index, Int32(bytes[0]), text.count - index) else { return 0 }
                    index = UnsafeRawPointer(next) - base
                }
                while matched > 0, text[index] != bytes[matched] { matched = fallback[matched - 1] }
                if text[index] == bytes[matched] { matched += 1 }
                index += 1
                if matched == bytes.count {
                    found(index - matched..<index)
                    matched = fallback[matched - 1]
                }
            }
            return matched
        }
    }

    private var patterns: [Pattern] = []

    /// A shorter beginning of a secret says nothing.
    static let least = 4

    /// What stands in place of a secret.
    static let mask = Array("***".utf8)

    init(_ patterns: [[UInt8]]) { self.patterns = patterns.map(Pattern.init) }

    /// Text without the patterns; the same object if there is none in it.
    func text(_ text: String) -> String {
        var text = text
        let clean = text.withUTF8 { bytes in replace(UnsafeRawBufferPointer(bytes)) }
        return clean.map { String(decoding: $0, as: UTF8.self) } ?? text
    }

    /// Text without the patterns that its sender cut to so many bytes, or a character less; what may be the beginning of a pattern at the
    /// cut is hidden too.
    func text(_ text: String, cutTo limit: Int) -> String {
        guard text.utf8.count > limit - 4 else { return self.text(text) }
        var text = text
        return text.withUTF8 { bytes in
            let text = UnsafeRawBufferPointer(bytes)
            let (found, open) = find(text)
            guard open >= Self.least else { return String(decoding: Self.masked(text, found, upTo: text.count), as: UTF8.self) }
            // The end may lie in a pattern that is whole: then there is one place to hide.
            let rest = text.count - open..<text.count
            let others = found.filter { $0.upperBound <= rest.lowerBound }
            let start = found.first { $0.upperBound > rest.lowerBound }.map { min($0.lowerBound, rest.lowerBound) }
            let hidden = others + [(start ?? rest.lowerBound)..<rest.upperBound]
            return String(decoding: Self.masked(text, hidden, upTo: text.count), as: UTF8.self)
        }
    }

    /// Bytes without the patterns.
    func bytes(_ bytes: [UInt8]) -> [UInt8] { bytes.withUnsafeBytes { replace($0) } ?? bytes }

    /// Nil if there is nothing to replace.
    private func replace(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        let (found, _) = find(text)
        return found.isEmpty ? nil : Self.masked(text, found, upTo: text.count)
    }

    /// Where the patterns stand, in order and joined, and how many bytes at the end may be the beginning of one.
    func find(_ text: UnsafeRawBufferPointer) -> (found: [Range<Int>], open: Int) {
        var all: [Range<Int>] = []
        var open = 0
        for pattern in patterns { open = max(open, pattern.find(in: text) { all.append($0) }) }
        guard all.count > 1 else { return (all, open) }
        all.sort { $0.lowerBound < $1.lowerBound }
        var joined: [Range<Int>] = []
        for range in all {
            if let last = joined.last, range.lowerBound < last.upperBound {
                joined[joined.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                joined.append(range)
            }
        }
        return (joined, open)
    }

    static func masked(_ text: UnsafeRawBufferPointer, _ found: [Range<Int>], upTo end: Int) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(end)
        var at = 0
        for range in found where range.lowerBound < end {
            if at < range.lowerBound { result += text[at..<range.lowerBound] }
            result += mask
            at = max(at, range.upperBound)
        }
        if at < end { result += text[at..<end] }
        return result
    }
}

/// Bytes that come in pieces: a secret that a border cuts is found all the same.
struct RedactedStream {
    /// What may be the beginning of a secret and waits for the next piece.
    private var held: [UInt8] = []
    /// So many bytes of it belong to a secret in whose place the mask was given already.
    private var covered = 0

    /// How many bytes wait: fewer than the longest pattern has.
    var waiting: Int { held.count }

    /// Takes the next piece, and gives what can be told now.
    mutating func take(_ piece: [UInt8], _ redaction: Redaction, isLast: Bool) -> [UInt8] {
        let all = held.isEmpty ? piece : held + piece
        return all.withUnsafeBytes { text in
            let (found, open) = redaction.find(text)
            let end = isLast ? text.count : text.count - open
            var result: [UInt8] = []
            // Up to here all is given or hidden.
            var at = covered
            for range in found {
                if range.lowerBound >= at {
                    guard range.lowerBound < end else { break }
                    result += text[at..<range.lowerBound]
                    result += Redaction.mask
                }
                at = max(at, range.upperBound)
            }
            if at < end {
                result += text[at..<end]
                at = end
            }
            held = Array(text[end...])
            covered = at - end
            return result
        }
    }
}

/// Lines of one stream: a long one may have been cut into several, and a secret with it.
struct RedactedLines {
    /// A line that is shorter was not cut.
    static let long = 8 * 1024
    /// The end of the last line, if a secret may have begun there.
    private var carried: [UInt8] = []

    /// Takes a line in which no whole secret stands, and hides the halves of one that a cut has parted.
    mutating func take(_ line: String, _ redaction: Redaction) -> String {
        guard !carried.isEmpty || line.utf8.count >= Self.long else { return line }
        let start = carried.count
        let all = carried + line.utf8
        carried = []
        return all.withUnsafeBytes { text in
            let (found, open) = redaction.find(text)
            var hidden = found.compactMap { $0.upperBound > start ? max($0.lowerBound, start)..<$0.upperBound : nil }
            if text.count - start >= Self.long, open >= Redaction.least, open < text.count - start {
                hidden.append(text.count - open..<text.count)
                carried = Array(text[(text.count - open)...])
            }
            guard !hidden.isEmpty else { return line }
            let masked = Redaction.masked(text, hidden, upTo: text.count)
            return String(decoding: masked.dropFirst(start), as: UTF8.self)
        }
    }
}
