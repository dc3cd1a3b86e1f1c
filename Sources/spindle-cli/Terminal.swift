import Glibc
import Spindle

/// Standard output and error.
enum Terminal {
    static var isOutput: Bool { isatty(STDOUT_FILENO) == 1 }
    static var isError: Bool { isatty(STDERR_FILENO) == 1 }
    private static var isColoured: Bool { isOutput && getenv("NO_COLOR") == nil }

    /// Columns of the terminal; nil if there is none.
    static var width: Int? {
        var size = winsize()
        guard isOutput, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return nil }
        return Int(size.ws_col)
    }

    static func print(_ text: String) { write(Array((text + "\n").utf8), to: STDOUT_FILENO) }
    static func error(_ text: String) { write(Array((text + "\n").utf8), to: STDERR_FILENO) }
    static func print(_ table: Table) {
        for line in table.lines(width: width, isColoured: isColoured) { print(line) }
    }

    /// A line that the next one replaces; nothing if standard error is no terminal.
    static func progress(_ text: String) {
        if isError { write(Array("\r\u{1B}[K\(text)".utf8), to: STDERR_FILENO) }
    }

    /// Writes everything; a reader that has gone away ends it.
    static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, bytes.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return }
            written += count
        }
    }
}
