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

    /// At most so many characters, with an ellipsis where some are left out.
    package static func shortened(_ text: String, to width: Int) -> String {
        guard width > 0, text.count > width else { return text }
        return width == 1 ? "…" : text.prefix(width - 1) + "…"
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        // Also the controls of bidirectional text, which can make one name look like another.
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || (0x202A...0x202E).contains(scalar.value)
            || (0x2066...0x2069).contains(scalar.value)
    }
}
