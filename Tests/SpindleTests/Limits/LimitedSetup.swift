import Spindle
import SpindleCore
import SpindleEngine
import SpindlePlugins

/// Limits of every kind that cut across each other, and the gauge in which the plugin counts for each.
///
/// Together the types could run more than their plugin may, and the plugins more than the host.
struct LimitedSetup: Sendable {
    struct Limit: Sendable {
        let name: String
        let gauge: Int
        let limit: Int
        /// Types whose attempts count here.
        let types: [String]
        var key: String?
    }

    let level: IsolationLevel
    /// Types of the plugin `first`, which has a limit of its own, and the one of `second`.
    let limits: [Limit]

    static let types = ["alpha", "beta", "gamma", "delta", "epsilon"]

    init(level: IsolationLevel) {
        self.level = level
        // In the host's own process there is one attempt at a time of an executor that is not concurrent.
        let serial = level == .inProcess ? 1 : 3
        let first = Array(Self.types.dropLast())
        limits = [
            Limit(name: "global", gauge: 0, limit: 11, types: Self.types),
            Limit(name: "plugin first", gauge: 1, limit: 8, types: first),
            Limit(name: "alpha", gauge: 2, limit: 4, types: ["alpha"]),
            Limit(name: "beta", gauge: 3, limit: serial, types: ["beta"]),
            Limit(name: "gamma", gauge: 4, limit: 5, types: ["gamma"]),
            Limit(name: "delta", gauge: 5, limit: 2, types: ["delta"]),
            Limit(name: "epsilon", gauge: 6, limit: 6, types: ["epsilon"]),
            Limit(name: "key one", gauge: 7, limit: 1, types: Self.types, key: "one"),
            Limit(name: "key two", gauge: 8, limit: 2, types: Self.types, key: "two"),
            Limit(name: "key three", gauge: 9, limit: 3, types: Self.types, key: "three"),
        ]
    }

    /// The sidecars: `delta` is limited by the configuration, the others here.
    var plugins: [String: String] {
        [
            "first": """
            isolation: \(level.rawValue)
            allowInProcess: true
            concurrency: 8
            executors:
              - {type: alpha, uses: bench, concurrency: 4}
              - {type: beta, uses: bench.serial, concurrency: 3}
              - {type: gamma, uses: bench.async, concurrency: 5}
              - {type: delta, uses: bench, concurrency: 7}
            """,
            "second": """
            isolation: \(level.rawValue)
            allowInProcess: true
            executors:
              - {type: epsilon, uses: bench, concurrency: 6}
            """,
        ]
    }

    func configure(_ configuration: inout HostConfiguration) {
        configuration.engine.maxConcurrentJobs = 11
        configuration.engine.typeLimits = ["delta": 2]
        // In the host code cannot be ended, and giving it up would give its global slot to another: there it is always waited for.
        configuration.engine.cancelGrace = level == .inProcess ? 300_000_000 : 100_000
    }

    /// Has the attempts of a job counted everywhere that they take a slot.
    func count(_ job: inout Job, in gauges: Gauges) {
        let counting = limits.filter { limit in
            guard let type = job.executorType, limit.types.contains(type) else { return false }
            return limit.key == nil || limit.key == job.concurrencyKey
        }
        job.parameters["gauges"] = "\(gauges.path):" + counting.map { "\($0.gauge)" }.joined(separator: ",")
        if let key = job.concurrencyKey { job.policy.concurrencyKeyLimit = limits.first { $0.key == key }.map { Int32($0.limit) } }
    }
}
