import SpindleCore
import SpindlePlugins

extension PluginView {
    /// How the executors of a plugin do, as JSON.
    static func running(_ reports: [ExecutorReport]) -> JSONValue { .array(reports.map(report)) }

    private static func report(_ report: ExecutorReport) -> JSONValue {
        var fields: [String: JSONValue] = [
            "type": .string(report.type),
            "workers": .array(report.workers.map(worker)),
        ]
        switch report.readiness {
        case .unknown: break
        case .ready: fields["isReady"] = true
        case .notReady(let reason):
            fields["isReady"] = false
            fields["notReadyReason"] = .string(reason)
        }
        var cancels: [String: JSONValue] = [
            "count": .int(Int64(report.cancels)), "ignored": .int(Int64(report.ignoredCancels)),
        ]
        cancels["medianMicroseconds"] = report.medianCancel.map { .int($0) }
        cancels["longestMicroseconds"] = report.longestCancel.map { .int($0) }
        fields["cancels"] = .object(cancels)
        return .object(fields)
    }

    /// How the triggers of a plugin do, as JSON.
    static func triggers(_ reports: [TriggerReport]) -> JSONValue { .array(reports.map(trigger)) }

    private static func trigger(_ report: TriggerReport) -> JSONValue {
        var fields: [String: JSONValue] = [
            "name": .string(report.name), "uses": .string(report.uses), "accepted": .int(report.accepted),
            "refused": .int(report.refused), "deferred": .int(report.deferred),
        ]
        switch report.state {
        case .stopped: fields["state"] = "stopped"
        case .running: fields["state"] = "running"
        case .resting(let reason):
            fields["state"] = "resting"
            fields["reason"] = .string(reason)
        case .failed(let reason):
            fields["state"] = "failed"
            fields["reason"] = .string(reason)
        }
        fields["lastRefusal"] = report.lastRefusal.map { .string($0) }
        return .object(fields)
    }

    private static func worker(_ worker: ExecutorReport.Worker) -> JSONValue {
        var fields: [String: JSONValue] = [
            "pid": .int(Int64(worker.pid)),
            "phase": .string(worker.phase),
            "open": .int(Int64(worker.open)),
            "started": .int(Int64(worker.started)),
            "ageMicroseconds": .int(worker.age),
        ]
        fields["memoryBytes"] = worker.memory.map { .int($0) }
        fields["processorMicroseconds"] = worker.processorTime.map { .int($0) }
        fields["processes"] = worker.processes.map { .int(Int64($0)) }
        return .object(fields)
    }
}
