/// Text from outside, made safe for a terminal and for one cell of a table.
package enum SafeText {
    /// On one line, without control characters: a log line or a target must not move the cursor or set a window's title.
    package static func line(_ text: some StringProtocol) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return String(text) }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            result.append(isControl(scalar) ? (scalar == "\t" || scalar == "\n" ? " " : "\u{FFFD}") : scalar)
        }
        return String(result)
    }

    /// The same with its lines and tabs: the output of a job on a terminal.
    package static func lines(_ text: some StringProtocol) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return String(text) }
        var result = String.UnicodeScalarView()
        var returned = false
        for scalar in text.unicodeScalars {
            // The ends of lines in the manner of HTTP and Windows; alone, it would let one line hide another.
            if returned && scalar != "\n" { result.append("\u{FFFD}") }
            returned = scalar == "\r"
            if returned { continue }
            result.append(isControl(scalar) && scalar != "\t" && scalar != "\n" ? "\u{FFFD}" : scalar)
        }
        if returned { result.append("\u{FFFD}") }
        return String(result)
    }

    /// At most so many columns of a terminal, with an ellipsis where some characters are left out.
    package static func shortened(_ text: String, to width: Int) -> String {
        guard width > 0, DisplayWidth.of(text) > width else { return text }
        var result = ""
        var used = 1
        for character in text {
            used += DisplayWidth.of(character)
            if used > width { break }
            result.append(character)
        }
        return result + "…"
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F...0x9F: true
        // Controls of bidirectional text, which can make one name look like another, and separators that some terminals obey.
        case 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
