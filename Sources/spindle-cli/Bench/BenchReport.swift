import Spindle
import SpindlePlugins

/// The figures of a run, as tables for people and as JSON.
struct BenchReport: Encodable {
    /// A scenario with its figures.
    struct Row: Encodable {
        let level: String
        let slots: Int32
        let submitters: Int
        let batch: Int
        let payloadBytes: Int
        let executions: Int
        let executionsPerSecond: Double
        let commitsPerSecond: Double
        let commandsPerCommit: Double
        let cpuMicrosecondsPerExecution: Double
        let pickUpMilliseconds: Quantiles

        init(_ figures: BenchFigures) {
            let scenario = figures.scenario
            level = scenario.level.rawValue
            slots = scenario.slots
            submitters = scenario.submitters
            batch = scenario.batch
            payloadBytes = scenario.payload
            executions = figures.executions
            executionsPerSecond = figures.perSecond
            commitsPerSecond = figures.commitsPerSecond
            commandsPerCommit = figures.commandsPerCommit
            cpuMicrosecondsPerExecution = figures.cpuPerExecution
            pickUpMilliseconds = Quantiles(figures.pickUps, unit: 1000)
        }
    }

    /// The steps of a call, each by itself.
    struct Calls: Encodable {
        let workerRoundTripMicroseconds: Quantiles
        let sandboxRoundTripMicroseconds: Quantiles?
        let workerStartMilliseconds: Quantiles
        let sandboxStartMilliseconds: Quantiles?
        let wrapperNanoseconds: Double
        let handOffMicroseconds: Quantiles

        init(_ costs: CallCosts) {
            workerRoundTripMicroseconds = Quantiles(costs.workerRoundTrips, unit: 1000)
            sandboxRoundTripMicroseconds = costs.sandboxRoundTrips.map { Quantiles($0, unit: 1000) }
            workerStartMilliseconds = Quantiles(costs.workerStarts, unit: 1_000_000)
            sandboxStartMilliseconds = costs.sandboxStarts.map { Quantiles($0, unit: 1_000_000) }
            wrapperNanoseconds = costs.wrapper
            handOffMicroseconds = Quantiles(costs.handOffs, unit: 1000)
        }
    }

    /// How late the outcomes of attempts were fixed that ignore their timeout.
    struct Timeouts: Encodable {
        let level: String
        let atOnce: Int32
        let lateMilliseconds: Quantiles
    }

    var executions: [Row] = []
    var calls: Calls?
    var timeouts: [Timeouts] = []
    var comparisons: [Comparison] = []

    func print() {
        if !executions.isEmpty { Terminal.print(executionTable) }
        if calls != nil || !timeouts.isEmpty {
            Terminal.print("")
            Terminal.print(costTable)
        }
        if !comparisons.isEmpty {
            Terminal.print("")
            Terminal.print(comparisonTable)
        }
    }

    private var executionTable: Table {
        var table = Table([
            .init("LEVEL"), .init("SLOTS", isNumber: true), .init("SUBMITTERS", isNumber: true), .init("BATCH", isNumber: true),
            .init("EXECUTIONS/S", isNumber: true), .init("COMMITS/S", isNumber: true), .init("ROWS/COMMIT", isNumber: true),
            .init("CPU US EACH", isNumber: true), .init("START P50 MS", isNumber: true), .init("P95", isNumber: true),
            .init("P99", isNumber: true),
        ])
        for row in executions {
            table.add([
                .init(row.level), .init("\(row.slots)"), .init("\(row.submitters)"), .init("\(row.batch)"),
                .init(Self.whole(row.executionsPerSecond)), .init(Self.whole(row.commitsPerSecond)),
                .init(Self.decimal(row.commandsPerCommit)), .init(Self.decimal(row.cpuMicrosecondsPerExecution)),
                .init(Self.decimal(row.pickUpMilliseconds.p50)), .init(Self.decimal(row.pickUpMilliseconds.p95)),
                .init(Self.decimal(row.pickUpMilliseconds.p99)),
            ])
        }
        return table
    }

    private var costTable: Table {
        var table = Table([
            .init("COST"), .init("P50", isNumber: true), .init("P95", isNumber: true), .init("P99", isNumber: true),
            .init("MAX", isNumber: true), .init("UNIT"),
        ])
        func add(_ name: String, _ quantiles: Quantiles, _ unit: String) {
            table.add([
                .init(name), .init(Self.decimal(quantiles.p50)), .init(Self.decimal(quantiles.p95)),
                .init(Self.decimal(quantiles.p99)), .init(Self.decimal(quantiles.max)), .init(unit),
            ])
        }
        if let calls {
            add("round trip to a worker, one CPU", calls.workerRoundTripMicroseconds, "us")
            if let sandbox = calls.sandboxRoundTripMicroseconds {
                add("round trip to a worker in a sandbox, one CPU", sandbox, "us")
            }
            add("start of a worker", calls.workerStartMilliseconds, "ms")
            if let sandbox = calls.sandboxStartMilliseconds { add("start of a worker in a sandbox", sandbox, "ms") }
            add("hand-off to a thread of the pool, one CPU", calls.handOffMicroseconds, "us")
            table.add([
                .init("call through the ABI, in process (mean)"), .init(Self.decimal(calls.wrapperNanoseconds)), "", "", "",
                .init("ns"),
            ])
        }
        for timeout in timeouts {
            add("timeout fixed late, \(timeout.level), \(timeout.atOnce) blocked", timeout.lateMilliseconds, "ms")
        }
        return table
    }

    private var comparisonTable: Table {
        var table = Table([
            .init("BESIDE"), .init("ROUNDS", isNumber: true), .init("ITS JOBS/S", isNumber: true),
            .init("EXECUTIONS/S", isNumber: true), .init("RATIO", isNumber: true), .init("ITS START P50 MS", isNumber: true),
            .init("P50 MS", isNumber: true), .init("ITS P99 MS", isNumber: true), .init("P99 MS", isNumber: true),
        ])
        for row in comparisons {
            table.add([
                .init(row.peer), .init("\(row.rounds)"), .init(Self.whole(row.peerPerSecond)), .init(Self.whole(row.perSecond)),
                .init(Self.decimal(row.ratio)), .init(Self.decimal(row.peerPickUpP50Milliseconds)),
                .init(Self.decimal(row.pickUpP50Milliseconds)), .init(Self.decimal(row.peerPickUpP99Milliseconds)),
                .init(Self.decimal(row.pickUpP99Milliseconds)),
            ])
        }
        return table
    }

    private static func whole(_ value: Double) -> String { "\(Int(value.rounded()))" }

    /// With two digits behind the point.
    private static func decimal(_ value: Double) -> String {
        let hundredths = Int((abs(value) * 100).rounded())
        let fraction = hundredths % 100
        return "\(value < 0 && hundredths > 0 ? "-" : "")\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
    }
}
