/// The patterns of OpenSSH: separated by commas, `*` and `?` stand for anything, `!` before one excludes.
enum PatternList {
    /// Whether a text is matched by one pattern and excluded by none.
    static func matches(_ text: String, _ list: String) -> Bool {
        let text = Array(text.utf8)
        var isMatched = false
        for part in list.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            let isExcluding = part.first == UInt8(ascii: "!")
            guard matches(text, Array(isExcluding ? part.dropFirst() : part)) else { continue }
            if isExcluding { return false }
            isMatched = true
        }
        return isMatched
    }

    /// Goes back to the last `*` only: no pattern costs more than the product of both lengths.
    private static func matches(_ text: [UInt8], _ pattern: [UInt8]) -> Bool {
        var (at, next) = (0, 0)
        var (star, resume) = (-1, 0)
        while at < text.count {
            if next < pattern.count, pattern[next] == UInt8(ascii: "*") {
                (star, resume) = (next, at)
                next += 1
            } else if next < pattern.count, pattern[next] == UInt8(ascii: "?") || pattern[next] == text[at] {
                at += 1
                next += 1
            } else if star >= 0 {
                resume += 1
                (at, next) = (resume, star + 1)
            } else {
                return false
            }
        }
        return pattern[next...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
