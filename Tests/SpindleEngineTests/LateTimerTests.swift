import SpindleCore
import SpindleEngine
import Testing

/// On a machine that is too busy the timer of a deadline may come after the report that it should have come before.
@Suite struct LateTimerTests {
    private static let start: Int64 = 1_000_000
    private static let timeout: Int64 = 10_000

    /// The settlement of an attempt whose executor says something so long after its start, before any timer has fired.
    private func settlement(_ report: (AttemptKey) -> AttemptEvent, after time: Int64) throws -> Settlement {
        let host = HostID(UUIDv7(high: 7 << 12, low: 1))
        var machine = DispatcherStateMachine(lease: HostLease(host: host, epoch: 1), settings: EngineConfiguration())
        machine.serve(ExecutorDescriptor(type: "script"))
        let type = machine.index(ofType: "script")
        let id = ExecutionID(UUIDv7(high: 7 << 12, low: 2))
        var policy = JobPolicy()
        policy.timeout = Self.timeout
        let request = AttemptRequest(
            key: AttemptKey(id, 1),
            jobID: JobID(id.uuid),
            executorType: "script",
            target: "",
            policy: policy
        )
        let isAdmitted = machine.admit(type: type, concurrencyKey: nil, keyLimit: 1)
        try #require(isAdmitted)
        machine.admitted(ClaimedExecution(request: request, rank: 0), type: type)
        let began = machine.takeActions(now: Self.start, wall: Timestamp(microseconds: 0))
        try #require(began.starts.count == 1 && began.timer == Self.start + Self.timeout)
        machine.handle(report(request.key), now: Self.start + time, wall: Timestamp(microseconds: time), random: { 0 })
        let settlements = machine.takeSettles(limit: 10)
        try #require(settlements.count == 1)
        return settlements[0]
    }

    @Test("what comes after the deadline is too late", arguments: [0, 1, 5_000_000] as [Int64])
    func late(by time: Int64) throws {
        let success = try settlement(
            { .finished($0, .success("late"), ranOn: nil, codeEnded: true) },
            after: Self.timeout + time
        )
        #expect(success.outcome == .timedOut && success.result.output == nil)
        let mute = try settlement({ .codeEnded($0) }, after: Self.timeout + time)
        #expect(mute.outcome == .timedOut)
    }

    @Test("what comes before it counts")
    func inTime() throws {
        let success = try settlement(
            { .finished($0, .success("in time"), ranOn: nil, codeEnded: true) },
            after: Self.timeout - 1
        )
        #expect(success.outcome == .succeeded && success.result.resultData == "in time")
        #expect(try settlement({ .codeEnded($0) }, after: Self.timeout - 1).outcome == .rejected)
    }
}
