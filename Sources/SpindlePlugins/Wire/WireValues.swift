import SpindleCore
import SpindleWire

extension spw_bytes {
    /// The bytes in place.
    var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: ptr, count: len) }
    /// A copy.
    var array: [UInt8] { Array(buffer) }
    /// A copy read as UTF-8.
    var text: String { String(decoding: buffer, as: UTF8.self) }
    /// A copy read as UTF-8, nil if empty.
    var textOrNil: String? { len == 0 ? nil : text }
}

extension spw_kvs {
    /// Copies of all names and values.
    var pairs: [(String, String)] {
        UnsafeBufferPointer(start: items, count: count).map { ($0.key.text, $0.value.text) }
    }
}

extension spw_list {
    /// Copies of all items.
    var texts: [String] { UnsafeBufferPointer(start: items, count: count).map(\.text) }
}

extension ExecutionResult {
    /// The codes of the host's own that the plugin's session gives.
    private static let sessionCodes: Set<String> = [
        "spindle.contract", "spindle.too_large", "spindle.refused", "spindle.instance", "spindle.busy", "spindle.memory",
        "spindle.cancelled",
    ]

    /// A code that the plugin may give; `error` for others. A plugin that writes to the socket itself is not believed more than one that
    /// does not.
    private static func code(_ bytes: spw_bytes) -> String {
        let isLegal =
            (1...64).contains(bytes.len)
            && bytes.buffer.allSatisfy {
                (48...57).contains($0) || (97...122).contains($0)
                    || [UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-")].contains($0)
            }
        guard isLegal else { return "error" }
        let code = bytes.text
        return code.hasPrefix("spindle.") && !sessionCodes.contains(code) ? "error" : code
    }

    /// What a plugin said at the end of an attempt, within the sizes of the ABI.
    init(_ message: borrowing spw_completed) {
        let metadata = UnsafeBufferPointer(start: message.metadata.items, count: message.metadata.count)
        if message.output.len > Limits.payload || metadata.reduce(0, { $0 + $1.key.len + $1.value.len }) > Limits.metadata {
            self = .permanent("The output or the metadata of the attempt are too large.", code: "spindle.too_large")
            return
        }
        let outcome: Class =
            switch message.outcome {
            case 0: .success
            case 1: .retryable
            case 3: .cancelled
            default: .permanent
            }
        let broken = message.origin == UInt32(SPW_ORIGIN_CONTRACT)
        self.init(class: broken ? .rejected : outcome)
        if message.output.len > 0 {
            output = Payload(message.output.array, contentType: message.content_type.textOrNil?.cut(toBytes: 256))
        }
        if outcome != .success || broken {
            errorCode = Self.code(message.fault.code)
            errorMessage = message.fault.message.textOrNil?.cut(toBytes: Limits.message)
            stackTrace = message.fault.stack_trace.textOrNil?.cut(toBytes: Limits.stackTrace)
            if message.fault.details.len <= Limits.details { details = message.fault.details.textOrNil }
        }
        keptMetadata = ResultMetadata(count: metadata.count) { (metadata[$0].key.buffer, metadata[$0].value.buffer) }
        if message.retry_after_ms > 0 {
            let wait = min(message.retry_after_ms, Limits.delay.upperBound / 1000)
            retryAfter = wait * 1000
        }
    }
}

extension LogLine {
    /// A line that a plugin wrote.
    init(_ message: borrowing spw_log) {
        let level = LogLevel(rawValue: Int32(clamping: message.level)) ?? .critical
        let stream = LogStream(rawValue: UInt8(truncatingIfNeeded: message.stream)) ?? .plugin
        let fields = message.keys.pairs
        let line = LogLine(level: level, stream: stream, message: message.message.text, fields: fields)
        self = line.bounded
        if message.dropped > 0 { self.fields.append(("spindle.dropped", "\(message.dropped)")) }
    }
}

extension spw_progress {
    /// 0 … 1; 0 if the total is not known.
    var fraction: Double {
        guard total > 0 else { return 0 }
        return min(max(Double(done) / Double(total), 0), 1)
    }
}

/// A frame with what an attempt is started with.
struct StartMessage {
    /// The plugin's view of an attempt. `deadline`: microseconds of CLOCK_MONOTONIC.
    static func make(
        _ request: AttemptRequest,
        instance: UInt64,
        deadline: Int64,
        now: Int64,
        wallMilliseconds: Int64,
        writer: FrameWriter
    ) -> spw_start {
        var message = spw_start()
        message.instance = instance
        message.attempt = Int64(request.key.attempt)
        message.failures = Int64(request.failures)
        message.max_failures = Int64(request.maxFailures)
        message.timeout_ms = max((deadline - now) / 1000, 0)
        message.deadline_mono_ns = deadline.multipliedReportingOverflow(by: 1000).overflow ? -1 : deadline * 1000
        message.started_unix_ms = wallMilliseconds
        let execution = request.key.execution.description
        message.execution_id = writer.bytes(execution)
        message.attempt_id = writer.bytes(attemptID(request.key))
        message.job_name = writer.bytes(request.jobName)
        message.type = writer.bytes(request.executorType)
        message.target = writer.bytes(request.target)
        message.parameters = writer.pairs(request.parameters)
        message.payload = writer.bytes(request.payload?.bytes)
        message.content_type = writer.bytes(request.payload?.contentType)
        message.idempotency_key = message.execution_id
        message.traceparent = writer.bytes(request.traceParent)
        message.tracestate = writer.bytes(request.traceState)
        message.checkpoint = writer.bytes(request.checkpoint)
        return message
    }

    /// The same for the same attempt everywhere, without storing another identifier.
    private static func attemptID(_ key: AttemptKey) -> String {
        let mixed = UInt64(truncatingIfNeeded: key.attempt) &* 0x9E37_79B9_7F4A_7C15
        let low = key.execution.uuid.low ^ (mixed & 0x3FFF_FFFF_FFFF_FFFF)
        return UUIDv7(high: key.execution.uuid.high, low: low).description
    }
}
