import Spindle

/// The figures as text.
enum BenchReport {
    static var table: Table {
        Table([
            .init("LEVEL"), .init("SLOTS", isNumber: true), .init("SUBMITTERS", isNumber: true), .init("BATCH", isNumber: true),
            .init("EXECUTIONS/S", isNumber: true), .init("CPU US EACH", isNumber: true), .init("COMMANDS", isNumber: true),
            .init("P50 MS", isNumber: true), .init("P95 MS", isNumber: true), .init("P99 MS", isNumber: true),
        ])
    }

    static func add(_ figures: BenchFigures, to table: inout Table) {
        let scenario = figures.scenario
        table.add([
            .init(scenario.level.rawValue), .init("\(scenario.slots)"), .init("\(scenario.submitters)"), .init("\(scenario.batch)"),
            .init("\(Int(figures.perSecond))"), .init(decimal(figures.cpuPerExecution)), .init("\(figures.commands)"),
            .init(decimal(figures.pickUp(permille: 500))), .init(decimal(figures.pickUp(permille: 950))),
            .init(decimal(figures.pickUp(permille: 990))),
        ])
    }

    static func line(_ figures: BenchFigures) -> String {
        "\(figures.scenario.level.rawValue): \(figures.executions) executions in \(decimal(figures.elapsed)) s"
    }

    /// With two digits behind the point.
    private static func decimal(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
    }
}
