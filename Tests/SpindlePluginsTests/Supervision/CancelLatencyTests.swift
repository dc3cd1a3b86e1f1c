import SpindleCore
import Testing

@testable import SpindlePlugins

/// The histogram of how long code takes to end.
@Suite
struct CancelLatencyTests {
    @Test("quantiles are never too low, and at most a quarter too high")
    func quantiles() {
        let random = SeededRandomSource(seed: 5)
        for _ in 0..<50 {
            var latency = CancelLatency()
            var times: [Int64] = []
            for _ in 0..<Int(1 + random.next() % 400) {
                let time = Int64(random.next() >> (1 + random.next() % 62))
                times.append(time)
                latency.ended(after: time)
            }
            times.sort()
            #expect(latency.count == times.count && latency.max == times.last)
            for share in [0.0, 0.5, 0.9, 1.0] {
                let exact = times[max(0, Int((Double(times.count) * share).rounded(.up)) - 1)]
                let found = latency.quantile(share) ?? -1
                #expect(found >= exact && Double(found) <= Double(exact) * 1.25 + 1, "\(share): \(found) for \(exact)")
            }
        }
    }

    @Test("nothing known, nothing said; times before the question count as none")
    func empty() {
        var latency = CancelLatency()
        #expect(latency.quantile(0.5) == nil)
        latency.ended(after: -5)
        #expect(latency.quantile(0.5) == 0 && latency.max == 0)
        latency.ended(after: .max)
        #expect(latency.quantile(1) == .max)
    }
}
