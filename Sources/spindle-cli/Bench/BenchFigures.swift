/// What one scenario gave.
struct BenchFigures: Sendable {
    var scenario: BenchScenario
    /// Executions whose end was committed.
    var executions = 0
    /// Seconds from the first submission to the last commit.
    var elapsed = 0.0
    /// Transactions of the store; 0 if it has none.
    var commits = 0
    /// Commands in them.
    var commands = 0
    /// CPU microseconds of the host and its workers, all threads.
    var cpuMicroseconds: Int64 = 0
    /// Microseconds from just before the submission to the start of the attempt, sorted.
    var pickUps: [Int64] = []

    var perSecond: Double { elapsed > 0 ? Double(executions) / elapsed : 0 }
    var commitsPerSecond: Double { elapsed > 0 ? Double(commits) / elapsed : 0 }
    var commandsPerCommit: Double { commits > 0 ? Double(commands) / Double(commits) : 0 }
    var cpuPerExecution: Double { executions > 0 ? Double(cpuMicroseconds) / Double(executions) : 0 }
}
