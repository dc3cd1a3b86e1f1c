import SpindleCore
import Testing

@testable import SpindlePlugins

struct TrialTests {
    private func trial(attempts: Int32 = 10, failures: Int32 = 500, before: Double = 0) -> Trial {
        var settings = ReloadSettings()
        settings.trialAttempts = attempts
        settings.trialFailures = failures
        return Trial(settings, before: before)
    }

    @Test func passesWhenEnoughHaveEnded() {
        let trial = trial()
        #expect(trial.verdict(ends: 9, failures: 0) == nil)
        #expect(trial.verdict(ends: 10, failures: 0) == .passed)
        #expect(trial.verdict(ends: 10, failures: 5) == .passed, "just the share that is allowed")
    }

    @Test func failsAsSoonAsTooManyHaveFailed() {
        let trial = trial()
        #expect(trial.verdict(ends: 5, failures: 5) == nil, "the other five may succeed")
        #expect(trial.verdict(ends: 6, failures: 6) == .failed("6 of its first 6 attempts failed"))
        #expect(trial.verdict(ends: 9, failures: 6) == .failed("6 of its first 9 attempts failed"))
    }

    @Test func jobsThatFailedBeforeAreNotTheNewVersionsFault() {
        #expect(trial(before: 0.9).verdict(ends: 10, failures: 9) == .passed)
        #expect(trial(before: 0.9).verdict(ends: 10, failures: 10) == .failed("10 of its first 10 attempts failed"))
    }

    @Test func nothingIsAllowedToFailWithAShareOfZero() {
        #expect(trial(failures: 0).verdict(ends: 1, failures: 1) == .failed("1 of its first 1 attempts failed"))
        #expect(trial(failures: 1000).verdict(ends: 10, failures: 10) == .passed)
        #expect(trial(attempts: 0).verdict(ends: 0, failures: 0) == .passed)
    }

    @Test func theTallyKnowsTheLastHundred() {
        var tally = EndTally()
        #expect(tally.recentShare == 0)
        for _ in 0..<100 { tally.count(.permanent("no")) }
        for _ in 0..<60 { tally.count(.success()) }
        for _ in 0..<7 { tally.count(ExecutionResult(class: .cancelled)) }
        for _ in 0..<7 { tally.count(ExecutionResult(class: .interrupted)) }
        #expect(tally.ends == 160)
        #expect(tally.failures == 100)
        #expect(tally.recentShare == 0.4)
    }
}
