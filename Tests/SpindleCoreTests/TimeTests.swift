import SpindleCore
import Testing

@Suite struct Durations {
    private func read(_ text: String) -> Int64? { DurationText.microseconds(text, in: 0...Int64.max) }

    @Test func readsWhatPeopleWrite() {
        #expect(read("500ms") == 500_000)
        #expect(read("10s") == 10_000_000)
        #expect(read("10") == 10_000_000)
        #expect(read("1.5m") == 90_000_000)
        #expect(read("0.000001s") == 1)
        #expect(read("7d") == 604_800_000_000)
    }

    @Test(arguments: [
        "", " ", "s", ".", "-1s", "+1s", "1 s", "1S", "1w", "1..5s", "1e9s", "inf", "nan", "0x10s", "999999999999999999d",
        "9999999999999999999", "1s ", "1s1s", "\u{0661}s", "1\u{301}s", "1\0s",
    ])
    func refuses(_ text: String) {
        #expect(read(text) == nil)
    }

    @Test func keepsToTheRange() {
        #expect(DurationText.microseconds("1s", in: 1_000_001...2_000_000) == nil)
        #expect(DurationText.microseconds("2s", in: 1_000_001...2_000_000) == 2_000_000)
    }

    @Test func writesWhatItReads() {
        for value: Int64 in [0, 1, 999, 1000, 1_000_000, 60_000_000, 90_000_000, 3_600_000_000, 86_400_000_001] {
            #expect(read(DurationText.text(value)) == value)
        }
        #expect(DurationText.text(90_000_000) == "90s" && DurationText.text(120_000_000) == "2m")
        #expect(!DurationText.text(.min).isEmpty && !DurationText.text(.max).isEmpty)
    }
}

@Suite struct Timestamps {
    @Test func rfc3339() {
        #expect(Timestamp(rfc3339: "1970-01-01T00:00:01Z")?.microseconds == 1_000_000)
        #expect(Timestamp(rfc3339: "2026-11-23T10:00:00.250Z")?.rfc3339 == "2026-11-23T10:00:00.250Z")
        #expect(Timestamp(rfc3339: "2026-11-23T12:00:00+02:00") == Timestamp(rfc3339: "2026-11-23T10:00:00Z"))
        for text in ["", "now", "2026-11-23", "2026-13-01T00:00:00Z", "2026-11-23T10:00:00", "1e9"] {
            #expect(Timestamp(rfc3339: text) == nil, "\(text)")
        }
    }

    @Test func neverTraps() {
        let ends = [Timestamp(microseconds: .min), Timestamp(microseconds: .max)]
        for moment in ends {
            _ = moment.milliseconds
            _ = moment.rfc3339
        }
        #expect(ends[1].advanced(byMicroseconds: 1) == ends[1] && ends[0].advanced(byMicroseconds: -1) == ends[0])
        #expect([-1, -1000, -1001, 999].map { Timestamp(microseconds: $0).milliseconds } == [-1, -1, -2, 0])
    }
}

@Suite struct Identifiers {
    @Test func version7() {
        let uuid = UUIDv7(milliseconds: 0x0123_4567_89AB, random: (.max, .max))
        #expect(uuid.description == "01234567-89ab-7fff-bfff-ffffffffffff")
        #expect(uuid.milliseconds == 0x0123_4567_89AB)
        #expect(UUIDv7(uuid.description.uppercased()) == uuid)
        #expect(UUIDv7(bytes: uuid.bytes) == uuid)
        #expect(UUIDv7(milliseconds: 1, random: (.max, .max)) < UUIDv7(milliseconds: 2, random: (0, 0)))
        #expect(ExecutionID(uuid).short == "ffffffff")
        _ = UUIDv7(milliseconds: .min, random: (0, 0))
        let before = SystemClock().now.milliseconds
        let (first, second) = (UUIDv7.now(), UUIDv7.now())
        #expect(first != second)
        #expect((before...SystemClock().now.milliseconds).contains(first.milliseconds))
    }

    @Test(arguments: [
        "", "01234567-89ab-7fff-bfff-fffffffffff", "01234567-89ab-7fff-bfff-ffffffffffff0",
        "0123456789ab7fffbfffffffffffffff", "01234567_89ab-7fff-bfff-ffffffffffff", "g1234567-89ab-7fff-bfff-ffffffffffff",
        "------------------------------------", "0123456789-ab-7fff-bfff-ffffffffff", "٠1234567-89ab-7fff-bfff-ffffffffffff",
    ])
    func refuses(_ text: String) {
        #expect(UUIDv7(text) == nil)
    }

    @Test func refusesOtherCounts() {
        for count in [0, 15, 17] { #expect(UUIDv7(bytes: [UInt8](repeating: 0, count: count)) == nil) }
    }

    @Test func seedsRepeat() {
        let words = (0..<3).map { _ in SeededRandomSource(seed: 42).next() }
        #expect(Set(words).count == 1)
        #expect(SeededRandomSource(seed: 43).next() != words[0])
    }

    @Test func rankAges() {
        let moment = Timestamp(microseconds: 60_000_000)
        #expect(NewExecution.rank(readyAt: moment, priority: 2) == 0)
        let late = Timestamp(microseconds: 30_000_000)
        #expect(NewExecution.rank(readyAt: moment, priority: 1) == NewExecution.rank(readyAt: late, priority: 0))
        _ = NewExecution.rank(readyAt: Timestamp(microseconds: .min), priority: 100)
        _ = NewExecution.rank(readyAt: Timestamp(microseconds: .max), priority: -100)
    }
}
