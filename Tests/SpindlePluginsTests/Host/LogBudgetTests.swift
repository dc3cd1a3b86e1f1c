import Testing

@testable import SpindlePlugins

@Suite struct LogBudgetTests {
    /// What a plugin writes in an hour at a thousand lines of 1 KiB a second.
    @Test func aFloodIsBounded() {
        var budget = LogBudget()
        var written: Int64 = 0
        var dropped: Int64 = 0
        var told: Int64 = 0
        for millisecond in 0..<3_600_000 {
            switch budget.spend(1024, now: 5_000_000 + Int64(millisecond) * 1000) {
            case .written(let before):
                written += 1
                told += before
            case .firstDropped, .dropped: dropped += 1
            }
        }
        #expect(written + dropped == 3_600_000)
        #expect(told <= dropped && told > dropped - 10_000)
        // 256 KiB at once and 16 KiB a second.
        #expect((57_700...57_856).contains(written))
    }

    @Test func whoWritesLittleLosesNothing() {
        var budget = LogBudget()
        for second in 0..<10_000 {
            #expect(budget.spend(16 * 1024, now: Int64(second) * 1_000_000) == .written(droppedBefore: 0))
        }
    }

    @Test func linesComeBackInBlocks() {
        var budget = LogBudget()
        for _ in 0..<256 { #expect(budget.spend(1024, now: 0) == .written(droppedBefore: 0)) }
        #expect(budget.spend(1024, now: 0) == .firstDropped)
        #expect(budget.spend(1024, now: 3_900_000) == .dropped)
        #expect(budget.spend(1024, now: 4_001_000) == .written(droppedBefore: 2))
        #expect(budget.spend(1024, now: 4_001_000) == .written(droppedBefore: 0))
    }

    @Test func aClockThatStandsOrJumpsDoesNoHarm() {
        var budget = LogBudget()
        #expect(budget.spend(256 * 1024, now: .max) == .written(droppedBefore: 0))
        #expect(budget.spend(1, now: 0) == .firstDropped)
        #expect(budget.spend(1, now: .max) == .dropped)
        // Time in steps too short for a byte adds up all the same.
        var patient = LogBudget()
        #expect(patient.spend(256 * 1024, now: 0) == .written(droppedBefore: 0))
        let step = (1...200_000).first { step in
            if case .written = patient.spend(1, now: Int64(step) * 40) { true } else { false }
        }
        #expect((99_900...100_100).contains(step ?? 0))
    }
}
