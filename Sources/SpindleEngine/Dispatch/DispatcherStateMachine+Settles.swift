import DequeModule
package import SpindleCore

/// Between the fixed outcome and its commit.
extension DispatcherStateMachine {
    /// The next settlements for the store; answered by ``settled(_:latency:)`` or ``settlesFailed(_:)``.
    package mutating func takeSettles(limit: Int) -> [Settlement] {
        let count = min(limit, pendingSettles.count)
        let batch = Array(pendingSettles.prefix(count))
        pendingSettles.removeFirst(count)
        settlesInFlight += count
        return batch
    }

    /// Settlements are committed, or were refused as stale: either way this host no longer holds the executions.
    ///
    /// - Parameter latency: Microseconds from handing over to the commit.
    package mutating func settled(_ batch: [Settlement], latency: Int64) {
        settlesInFlight -= batch.count
        settlesInDoubt = max(0, settlesInDoubt - batch.count)
        commitLatency += (Double(latency) - commitLatency) / 8
        for settlement in batch {
            uncommittedBytes -= settlement.result.output?.bytes.count ?? 0
            if records[settlement.key.execution]?.key == settlement.key { records[settlement.key.execution] = nil }
        }
    }

    /// The fate of these settlements is unknown: they are written again, in their order.
    package mutating func settlesFailed(_ batch: [Settlement]) {
        settlesInFlight -= batch.count
        settlesInDoubt = max(settlesInDoubt, batch.count)
        pendingSettles.prepend(contentsOf: batch)
    }
}
