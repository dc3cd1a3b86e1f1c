import Glibc
import Spindle
import Synchronization

/// Standard output and error.
enum Terminal {
    static var isOutput: Bool { isatty(STDOUT_FILENO) == 1 }
    static var isError: Bool { isatty(STDERR_FILENO) == 1 }
    private static var isColoured: Bool { isOutput && getenv("NO_COLOR") == nil }

    /// Columns of the terminal; nil if there is none.
    static var width: Int? { width(of: STDOUT_FILENO) }

    private static func width(of descriptor: Int32) -> Int? {
        var size = winsize()
        guard isatty(descriptor) == 1, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return nil }
        return Int(size.ws_col)
    }

    static func print(_ text: String) { write(Array((text + "\n").utf8), to: STDOUT_FILENO) }
    static func error(_ text: String) { lines(text + "\n") }
    static func print(_ lines: [String]) {
        for line in lines { print(line) }
    }
    static func print(_ table: Table) {
        for line in table.lines(width: width, isColoured: isColoured) { print(line) }
    }

    /// The output of a job: its bytes as they are, but on a terminal without what would control it.
    static func print(output bytes: [UInt8]) {
        guard isOutput else { return write(bytes, to: STDOUT_FILENO) }
        let text = SafeText.lines(String(decoding: bytes, as: UTF8.self))
        write(Array(text.utf8), to: STDOUT_FILENO)
        if !text.hasSuffix("\n") { print("") }
    }

    /// The line that is shown below everything else on standard error; empty if there is none.
    private static let shown = Mutex("")
    private static let clear = "\r\u{1B}[K"

    /// Shows a line that the next one replaces; nothing if standard error is no terminal.
    static func progress(_ text: String) {
        guard isError else { return }
        // One column stays free, or some terminals would go to the next line.
        let line = width(of: STDERR_FILENO).map { SafeText.shortened(text, to: $0 - 1) } ?? text
        shown.withLock { shown in
            guard shown != line else { return }
            shown = line
            write(Array("\(clear)\(line)".utf8), to: STDERR_FILENO)
        }
    }

    /// Writes whole lines to standard error, above the progress line.
    static func lines(_ text: String) {
        shown.withLock { shown in
            let framed = shown.isEmpty ? text : "\(clear)\(text)\(shown)"
            write(Array(framed.utf8), to: STDERR_FILENO)
        }
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
