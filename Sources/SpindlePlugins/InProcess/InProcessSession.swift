import Glibc
import SpindleCore
import SpindleWire
import Synchronization

/// A plugin that is loaded into the host itself. It stays for the life of the process.
final class InProcessSession: @unchecked Sendable {
    // Sendable: the session may be used from any thread; what changes here is in the mutex.
    /// What the plugin said, to be looked at on the loop's thread.
    enum News {
        case completed(AttemptToken, ExecutionResult)
        case released(AttemptToken)
        case log(AttemptToken, LogLine)
        case progress(AttemptToken, Double, String)
        case checkpoint(AttemptToken, [UInt8])
        case artefact(AttemptToken, String, ArtefactChunk, isLast: Bool)
    }

    private struct Mailbox {
        var news: [News] = []
        var bytes = 0
        /// Of artefacts that nobody has taken care of.
        var unwritten = 0
        var wantsRoom = false
        var receivers: [UInt64: @Sendable ([News]) -> Void] = [:]
        var open = 0
        var abandoned = 0
    }

    /// Tokens of an instance's attempts have its number in these high bits.
    static let tokenShift: UInt64 = 48
    /// Lines and artefacts that wait for the loop take no more room than this.
    private static let room = 1024 * 1024

    private let loop: HostLoop
    private let mailbox = Mutex(Mailbox())
    private var session: OpaquePointer?
    /// Whether the session is gone: artefacts may be written after it.
    private let closing = Mutex(false)

    /// Loads the plugin and calls its `init`. May block.
    init(image: SealedImage, loop: HostLoop, hostVersion: String) throws(PluginRefusal) {
        self.loop = loop
        let path: String
        do throws(SpindleError) { path = try image.pathToLoad() } catch { throw PluginRefusal(error) }
        // Given back never: the plugin's threads may call at any time.
        let context = Unmanaged.passRetained(self).toOpaque()
        var output = Self.makeOutput(context)
        var message = [CChar](repeating: 0, count: 1024)
        session = spw_session_open(path, &output, nil, &message, message.count)
        guard let session else {
            throw PluginRefusal(String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
        }
        try Self.check("init") { answer, arena in spw_session_init(session, hostVersion, answer, arena) }
    }

    // MARK: Instances; may block

    /// Makes an instance.
    func create(_ token: UInt64, _ plan: InstancePlan, _ receiver: @escaping @Sendable ([News]) -> Void) throws(PluginRefusal) {
        mailbox.withLock { mailbox in
            mailbox.receivers[token] = receiver
            mailbox.open += 1
        }
        let writer = FrameWriter()
        var message = spw_create()
        message.uses = writer.bytes(plan.uses)
        message.type = writer.bytes(plan.type)
        message.config = writer.bytes(plan.config)
        message.secrets = writer.pairs(plan.secrets?.instance ?? [])
        defer { writer.reset() }
        do throws(PluginRefusal) {
            try Self.check("create") { answer, arena in
                spw_session_create(session, token, &message, answer, arena)
            }
        } catch {
            mailbox.withLock { mailbox in
                mailbox.receivers[token] = nil
                mailbox.open -= 1
            }
            throw PluginRefusal(plan.secrets?.executor.redact(error.reason) ?? error.reason)
        }
    }

    /// The executor of an instance has stopped; after the last one the plugin is shut down, if its code has ended.
    func close() {
        let mayClose = mailbox.withLock { mailbox in
            mailbox.open -= 1
            return mailbox.open == 0 && mailbox.abandoned == 0
        }
        // What was written last may just now be making room.
        if mayClose { closing.withLock { $0 = spw_session_close(session) == 0 } }
    }

    private static func check(
        _ what: String,
        _ call: (UnsafeMutablePointer<spw_answer>, UnsafeMutablePointer<spw_arena>) -> Void
    ) throws(PluginRefusal) {
        var answer = spw_answer()
        var arena = spw_arena()
        defer { spw_arena_free(&arena) }
        call(&answer, &arena)
        guard answer.status < 0 else { return }
        let pointer = answer.fault.pointer.textOrNil.map { " at \($0)" } ?? ""
        throw PluginRefusal("its \(what) failed: \(answer.fault.message.text)\(pointer) (\(answer.fault.code.text))")
    }

    // MARK: Attempts

    /// Takes an attempt.
    ///
    /// - Returns: What to give to ``run(_:)``; 0 if it was refused, which is told like any other end.
    func accept(_ token: AttemptToken, _ message: spw_start) -> UInt64 {
        var message = message
        return spw_session_accept(session, token, &message)
    }

    /// Calls the plugin's `execute`. Blocks as long as that takes.
    func run(_ accepted: UInt64) { spw_session_run(session, accepted) }

    func cancel(_ token: AttemptToken, _ reason: CancelReason, grace: Int64) {
        spw_session_cancel(session, token, UInt32(reason.rawValue), grace / 1000)
    }

    /// Calls the plugin's `can_execute`. Blocks as long as that takes.
    func canExecute(_ job: Job, _ plan: InstancePlan) -> Bool {
        let writer = FrameWriter()
        var message = spw_question()
        message.uses = writer.bytes(plan.uses)
        message.type = writer.bytes(plan.type)
        message.target = writer.bytes(job.target)
        message.parameters = writer.pairs(job.parameters)
        message.payload = writer.bytes(job.payload?.bytes)
        message.content_type = writer.bytes(job.payload?.contentType)
        return spw_session_can_execute(session, &message) == 1
    }

    /// Attempts whose code runs on though they are over.
    var abandoned: Int { mailbox.withLock { $0.abandoned } }

    func countAbandoned(_ difference: Int) { mailbox.withLock { $0.abandoned += difference } }

    // MARK: What the plugin says

    /// On any thread, also the plugin's.
    private func tell(_ news: News, bytes: Int = 0, mayDrop: Bool = false) -> Bool {
        let (isTaken, isFirst) = mailbox.withLock { mailbox -> (Bool, Bool) in
            if mayDrop && mailbox.bytes + bytes > Self.room { return (false, false) }
            mailbox.bytes += bytes
            mailbox.news.append(news)
            return (true, mailbox.news.count == 1)
        }
        if isFirst { loop.post { [self] in deliver() } }
        return isTaken
    }

    private func tell(_ token: UInt64, _ message: borrowing spw_artefact) -> Bool {
        let count = message.bytes.len
        let hasRoom = mailbox.withLock { mailbox in
            guard mailbox.unwritten + count <= Self.room else {
                mailbox.wantsRoom = true
                return false
            }
            mailbox.unwritten += count
            return true
        }
        guard hasRoom else { return false }
        let chunk = ArtefactChunk(message.bytes.array, receipt: Receipt { [weak self] in self?.written(count) })
        return tell(.artefact(token, message.name.text, chunk, isLast: message.flags & 1 != 0))
    }

    private func written(_ count: Int) {
        let wantedRoom = mailbox.withLock { mailbox in
            mailbox.unwritten -= count
            defer { mailbox.wantsRoom = false }
            return mailbox.wantsRoom
        }
        // Not here: this may be the plugin's own thread, in a call of its own.
        if wantedRoom { loop.post { [self] in closing.withLock { if !$0 { spw_session_writable(session) } } } }
    }

    private func deliver() {
        let (news, receivers) = mailbox.withLock { mailbox in
            defer {
                mailbox.news = []
                mailbox.bytes = 0
            }
            return (mailbox.news, mailbox.receivers)
        }
        if receivers.count == 1, let receiver = receivers.values.first {
            receiver(news)
        } else {
            for (number, part) in Dictionary(grouping: news, by: { $0.token >> Self.tokenShift }) {
                (receivers[number] ?? receivers.values.first)?(part)
            }
        }
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> InProcessSession {
        guard let context else { preconditionFailure("the session passes its context back") }
        return Unmanaged<InProcessSession>.fromOpaque(context).takeUnretainedValue()
    }

    private static func makeOutput(_ context: UnsafeMutableRawPointer) -> spw_output {
        spw_output(
            context: context,
            completed: { context, token, message in
                guard let message else { return }
                _ = InProcessSession.of(context).tell(.completed(token, ExecutionResult(message.pointee)))
            },
            released: { context, token, _, _ in _ = InProcessSession.of(context).tell(.released(token)) },
            log: { context, token, message, isLast in
                guard let line = message?.pointee else { return 0 }
                let news = News.log(token, LogLine(line))
                return InProcessSession.of(context).tell(news, bytes: line.message.len + 64, mayDrop: isLast == 0) ? 1 : 0
            },
            progress: { context, token, message in
                guard let progress = message?.pointee else { return }
                _ = InProcessSession.of(context).tell(.progress(token, progress.fraction, progress.note.text))
            },
            heartbeat: { _, _ in },
            checkpoint: { context, token, bytes in _ = InProcessSession.of(context).tell(.checkpoint(token, bytes.array)) },
            artefact: { context, token, message in
                guard let message else { return 0 }
                return InProcessSession.of(context).tell(token, message.pointee) ? 1 : 0
            },
            // A trigger needs a process of its own.
            submit: nil,
            gathered: nil
        )
    }
}

extension InProcessSession.News {
    /// Of the attempt or instance it is about.
    var token: UInt64 {
        switch self {
        case .completed(let token, _), .released(let token), .log(let token, _), .progress(let token, _, _),
            .checkpoint(let token, _), .artefact(let token, _, _, _):
            token
        }
    }
}
