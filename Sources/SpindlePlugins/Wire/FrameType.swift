import SpindleWire

/// The kinds of frames between host and worker.
struct FrameType: RawRepresentable, Hashable {
    let rawValue: UInt16
    init(rawValue: UInt16) { self.rawValue = rawValue }
    private init(_ value: Int) { rawValue = UInt16(truncatingIfNeeded: value) }

    static let kill = FrameType(SPW_KILL)
    static let spawned = FrameType(SPW_SPAWNED)
    static let exited = FrameType(SPW_EXITED)
    static let setup = FrameType(SPW_SETUP)
    static let hello = FrameType(SPW_HELLO)
    static let ready = FrameType(SPW_READY)
    static let failed = FrameType(SPW_FAILED)
    static let describe = FrameType(SPW_DESCRIBE)
    static let reportPlugin = FrameType(SPW_REPORT_PLUGIN)
    static let reportExecutor = FrameType(SPW_REPORT_EXECUTOR)
    static let reportEnd = FrameType(SPW_REPORT_END)
    static let describeInstance = FrameType(SPW_DESCRIBE_INSTANCE)
    static let create = FrameType(SPW_CREATE)
    static let created = FrameType(SPW_CREATED)
    static let audit = FrameType(SPW_AUDIT)
    static let audited = FrameType(SPW_AUDITED)
    static let check = FrameType(SPW_CHECK)
    static let checked = FrameType(SPW_CHECKED)
    static let canExecute = FrameType(SPW_CAN_EXECUTE)
    static let answer = FrameType(SPW_ANSWER)
    static let start = FrameType(SPW_START)
    static let cancel = FrameType(SPW_CANCEL)
    static let completed = FrameType(SPW_COMPLETED)
    static let released = FrameType(SPW_RELEASED)
    static let log = FrameType(SPW_LOG)
    static let progress = FrameType(SPW_PROGRESS)
    static let heartbeat = FrameType(SPW_HEARTBEAT)
    static let checkpoint = FrameType(SPW_CHECKPOINT)
    static let artefact = FrameType(SPW_ARTEFACT)
    static let credit = FrameType(SPW_CREDIT)
    static let ping = FrameType(SPW_PING)
    static let pong = FrameType(SPW_PONG)
    static let submit = FrameType(SPW_SUBMIT)
    static let submitted = FrameType(SPW_SUBMITTED)
    static let shutdown = FrameType(SPW_SHUTDOWN)
}
