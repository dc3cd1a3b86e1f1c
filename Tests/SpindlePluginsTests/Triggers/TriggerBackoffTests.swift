import Testing

@testable import SpindlePlugins

@Suite("The rests of a trigger")
struct TriggerBackoffTests {
    @Test func growUpToAMinuteAndBeginAgainAfterAGoodRun() {
        var backoff = TriggerBackoff()
        let rests = (0..<8).map { _ in backoff.rest(afterRunning: 0) / 1_000_000 }
        #expect(rests == [1, 2, 4, 8, 16, 32, 60, 60])
        #expect(backoff.rest(afterRunning: TriggerBackoff.recovery) == 1_000_000)
        #expect(backoff.rest(afterRunning: 0) == 2_000_000)
    }

    @Test func followAWishWithinReason() {
        var backoff = TriggerBackoff()
        #expect(backoff.rest(afterRunning: 0, wish: 5_000_000) == 5_000_000)
        #expect(backoff.rest(afterRunning: 0, wish: -1) == TriggerBackoff.shortest)
        #expect(backoff.rest(afterRunning: 0, wish: .max) == 3_600_000_000)
    }
}
