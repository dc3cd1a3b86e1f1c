import SpindleCore
import SpindleWire

extension Job {
    /// What a trigger hands over. Nothing is checked: the engine does that, as for every submission.
    init(_ message: borrowing spw_submit) {
        self.init(
            id: JobID(UUIDv7.now()),
            name: message.job_name.textOrNil,
            executorType: message.type.textOrNil,
            target: message.target.text,
            parameters: Parameters(trusted: message.parameters.pairs.map { Parameters.Entry(name: $0.0, value: $0.1) }),
            payload: message.payload.len > 0
                ? Payload(message.payload.array, contentType: message.content_type.textOrNil) : nil,
            priority: Int32(clamping: message.priority)
        )
    }
}

extension SubmissionDoor.Terms {
    init(_ message: borrowing spw_submit) {
        idempotencyKey = message.idempotency_key.textOrNil
        // Longer than any delay that is allowed: refused, not wrapped around.
        delay = message.delay_ms > 0 ? message.delay_ms.multipliedClamping(by: 1000) : nil
        startBy =
            message.start_by_unix_ms > 0 ? Timestamp(microseconds: message.start_by_unix_ms.multipliedClamping(by: 1000)) : nil
        traceParent = message.traceparent.textOrNil
        traceState = message.tracestate.textOrNil
    }
}

extension Int64 {
    fileprivate func multipliedClamping(by factor: Int64) -> Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}
