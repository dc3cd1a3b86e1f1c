import SpindleCore
import Testing

@testable import SpindlePlugins

/// When crashes are too many, in virtual time.
@Suite
struct PluginBreakerTests {
    private static let minute: Int64 = 60_000_000

    @Test("three crashes within five minutes quarantine; the reason is the last one's")
    func three() {
        var breaker = PluginBreaker(settings: .init())
        #expect(breaker.crashed("one", now: 0, wall: 1) == nil)
        #expect(breaker.crashed("two", now: 2 * Self.minute, wall: 2) == nil)
        let quarantine = breaker.crashed("three", now: 5 * Self.minute - 1, wall: 3)
        #expect(quarantine == Quarantine(count: 3, last: "three", since: 3))
        #expect(breaker.quarantine?.reason.contains("3 crashes") == true)
        #expect(breaker.quarantine?.reason.hasSuffix("three") == true)
        // Workers that were running still die: nothing begins anew.
        #expect(breaker.crashed("four", now: 5 * Self.minute, wall: 4) == nil)
        #expect(breaker.quarantine?.last == "three")
    }

    @Test("crashes that lie further apart never add up")
    func apart() {
        var breaker = PluginBreaker(settings: .init())
        for number in 0..<100 {
            #expect(breaker.crashed("\(number)", now: Int64(number) * Self.minute * 5 / 2, wall: 0) == nil)
        }
    }

    @Test("after a release the count begins anew")
    func release() {
        var breaker = PluginBreaker(settings: .init())
        var wasQuarantined = breaker.release()
        #expect(!wasQuarantined)
        for _ in 0..<3 { _ = breaker.crashed("x", now: 0, wall: 0) }
        wasQuarantined = breaker.release()
        #expect(wasQuarantined)
        #expect(breaker.quarantine == nil)
        #expect(breaker.crashed("x", now: 1, wall: 0) == nil)
        #expect(breaker.crashed("x", now: 1, wall: 0) == nil)
        #expect(breaker.crashed("x", now: 1, wall: 0) != nil)
    }

    @Test("zero never quarantines, also not for what was kept")
    func never() {
        let kept = Quarantine(count: 3, last: "x", since: 0)
        var breaker = PluginBreaker(settings: .init(crashes: 0), quarantine: kept)
        #expect(breaker.quarantine == nil)
        for _ in 0..<1000 { #expect(breaker.crashed("x", now: 0, wall: 0) == nil) }
        #expect(PluginBreaker(settings: .init(), quarantine: kept).quarantine == kept)
    }
}
