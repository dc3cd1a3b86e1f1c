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

    @Test("wide characters and marks keep the columns below each other")
    func wide() {
        var table = Table([.init("NAME", isFlexible: true), .init("STATE")])
        for name in ["日本語", "e\u{301}clair", "🎉 party", "plain"] { table.add([.init(name), "ok"]) }
        #expect(
            table.lines(width: nil, isColoured: false) == [
                "NAME      STATE", "日本語    ok", "e\u{301}clair    ok", "🎉 party  ok", "plain     ok",
            ]
        )
        #expect(SafeText.shortened("日本語テキスト", to: 8) == "日本語…")
        #expect(SafeText.shortened("日本語", to: 6) == "日本語")
    }

    @Test("the output of a job on a terminal keeps its lines and loses what controls the terminal")
    func output() {
        #expect(SafeText.lines("a\tb\r\nc\n") == "a\tb\nc\n")
        #expect(SafeText.lines("secret\rpublic\u{1B}[2J\u{200F}\r") == "secret\u{FFFD}public\u{FFFD}[2J\u{FFFD}\u{FFFD}")
    }

    @Test("the progress line says what a person wants to know")
    func progress() {
        let now = Timestamp(microseconds: 1_800_000_012_300_000)
        var execution = Execution(
            id: ExecutionID(UUIDv7(high: 1, low: 0xABCD_EF01)),
            jobID: JobID(UUIDv7(high: 1, low: 1)),
            executorType: "t",
            target: "x",
            state: .queued,
            createdAt: Timestamp(microseconds: 1_800_000_000_000_000)
        )
        #expect(ProgressText.line(ExecutionBody(execution), now: now) == "abcdef01 queued, 12s")
        (execution.state, execution.attempt) = (.running, 2)
        execution.cancelRequestedAt = now
        var body = ExecutionBody(execution)
        body.progress = ProgressBody(fraction: 0.5, note: "half\u{1B}[31m\nway")
        #expect(ProgressText.line(body, now: now) == "abcdef01 running, attempt 2, asked to end, 12s, 50 % half\u{FFFD}[31m way")
        execution.cancelRequestedAt = nil
        (execution.state, execution.runAt) = (.retrying, now.advanced(byMicroseconds: 4_000_000))
        #expect(ProgressText.line(ExecutionBody(execution), now: now) == "abcdef01 retrying, due in 4s, after attempt 2, 12s")
        (execution.state, execution.pendingParents) = (.waiting, 1)
        #expect(ProgressText.line(ExecutionBody(execution), now: now) == "abcdef01 waiting for 1 other, 12s")
    }

    @Test("an execution is shown with what matters about it")
    func execution() {
        let now = Timestamp(microseconds: 1_800_000_012_300_000)
        var execution = Execution(
            id: ExecutionID(UUIDv7(high: 1, low: 2)),
            jobID: JobID(UUIDv7(high: 1, low: 1)),
            executorType: "script",
            target: "a\nb",
            parameters: ["Arg0": "\u{1B}x"],
            state: .failed,
            concurrencyKey: "k",
            createdAt: Timestamp(microseconds: 1_800_000_000_000_000)
        )
        execution.crashes = 3
        let lines = ExecutionText.fields(ExecutionBody(execution), now: now).lines()
        #expect(lines.contains("target           a b"))
        #expect(lines.contains("retries          3, exponential, 1s to 1h"))
        #expect(lines.contains("concurrency key  k, 1 at once"))
        #expect(lines.contains("counts           crashes: 3"))
        #expect(lines.contains("Arg0             = \u{FFFD}x"))
        var attempt = Attempt(number: 1, outcome: .crashed)
        attempt.errorCode = "spindle.worker.crashed"
        attempt.stackTrace = "#0 plugin+0x10\n#1 0x7f"
        attempt.details = "{\"signal\":\"SIGSEGV\"}"
        attempt.metadata = ["b": 1, "a": "x"]
        #expect(
            ExecutionText.remarks(AttemptBody(attempt)) == [
                "attempt 1:", "  details  {\"signal\":\"SIGSEGV\"}", "    #0 plugin+0x10", "    #1 0x7f", "  a=x b=1",
            ]
        )
        #expect(ExecutionText.remarks(AttemptBody(Attempt(number: 2))).isEmpty)
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
