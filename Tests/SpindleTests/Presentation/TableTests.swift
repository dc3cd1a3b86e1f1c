import Spindle
import SpindleCore
import SpindleServer
import Testing

@Suite("What people see")
struct PresentationTests {
    private func table() -> Table {
        var table = Table([
            .init("ID"), .init("TARGET", isFlexible: true), .init("TRIES", isNumber: true), .init("ERROR", isFlexible: true),
        ])
        table.add(["1a2b3c4d", "https://example.org/a/rather/long/path/to/something", "1", ""])
        table.add(["deadbeef", "/bin/true", "12", "exit code 3: no such\tthing\u{1B}[31m"])
        return table
    }

    @Test("a table without a terminal has every column in full")
    func full() {
        #expect(
            table().lines(width: nil, isColoured: false) == [
                "ID        TARGET                                               TRIES  ERROR",
                "1a2b3c4d  https://example.org/a/rather/long/path/to/something      1",
                "deadbeef  /bin/true                                               12  exit code 3: no such thing\u{FFFD}[31m",
            ]
        )
    }

    @Test("on a narrow terminal the widest columns give way", arguments: [20, 40, 60, 80, 200])
    func narrow(_ width: Int) {
        let lines = table().lines(width: width, isColoured: false)
        // Ids and numbers never give way, and flexible columns keep eight characters.
        let least = 8 + 2 + 8 + 2 + 5 + 2 + 8
        #expect(lines.allSatisfy { $0.count <= max(width, least) })
        #expect(lines.allSatisfy { $0.hasPrefix("ID") || $0.hasPrefix("1a2b3c4d") || $0.hasPrefix("deadbeef") })
    }

    @Test("control characters of a job never reach the terminal")
    func safe() {
        #expect(SafeText.line("a\u{1B}]0;title\u{07}b\r\nc") == "a\u{FFFD}]0;title\u{FFFD}b\u{FFFD} c")
        #expect(SafeText.line("\u{202E}txt.exe") == "\u{FFFD}txt.exe")
        #expect(SafeText.shortened("abcdef", to: 4) == "abc…")
    }

    @Test("durations are short")
    func durations() {
        let pairs: [(Int64, String)] = [
            (0, "0s"), (500, "<1ms"), (250_000, "250ms"), (1_500_000, "1.5s"), (12_000_000, "12s"), (180_000_000, "3m"),
            (7_200_000_000, "2h"), (432_000_000_000, "5d"),
        ]
        for (microseconds, text) in pairs { #expect(TimeText.duration(microseconds) == text) }
    }

    @Test("every end has its exit status")
    func statuses() {
        #expect(ExitStatus(.succeeded, lastOutcome: .succeeded)?.rawValue == 0)
        #expect(ExitStatus(.failed, lastOutcome: .failed)?.rawValue == 1)
        #expect(ExitStatus(.failed, lastOutcome: .timedOut)?.rawValue == 124)
        #expect(ExitStatus(.cancelled, lastOutcome: nil)?.rawValue == 143)
        #expect(ExitStatus(.expired, lastOutcome: nil)?.rawValue == 5)
        #expect(ExitStatus(.skipped, lastOutcome: nil)?.rawValue == 5)
        #expect(ExitStatus(.running, lastOutcome: nil) == nil)
        #expect(ExitStatus(SpindleError(.noExecutor, "")).rawValue == 2)
        #expect(ExitStatus(SpindleError(.configuration, "")).rawValue == 2)
        #expect(ExitStatus(SpindleError(.storeUnavailable, "")).rawValue == 3)
        #expect(ExitStatus(SpindleError(.notFound, "")).rawValue == 4)
    }
}
