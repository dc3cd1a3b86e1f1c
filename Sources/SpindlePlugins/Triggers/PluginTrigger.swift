import Logging
import SpindleCore
import Synchronization

/// A trigger of a plugin: kept open as an attempt that does not end, while what it hands over is submitted.
final class PluginTrigger: Sendable {
    /// Runs its code; serves no type.
    let executor: PluginExecutor

    private let plan: ExecutorPlan
    private let door: SubmissionDoor
    private let services: PluginServices
    private let kept: Mutex<(report: TriggerReport, observer: (@Sendable (TriggerReport) -> Void)?)>
    private let work = Mutex<Task<Void, Never>?>(nil)
    /// Ends the rest that it is taking.
    private let waker = Mutex<AsyncStream<Never>.Continuation?>(nil)

    init(plan: ExecutorPlan, executor: PluginExecutor, door: SubmissionDoor, services: PluginServices) {
        self.plan = plan
        self.executor = executor
        self.door = door
        self.services = services
        kept = Mutex((TriggerReport(name: plan.type, uses: plan.kind.type), nil))
        // One whose plugin is released need not wait.
        executor.supervisor?.observe { [weak self] in self?.waker.withLock { $0 }?.finish() }
    }

    /// How it does. Any thread.
    var report: TriggerReport { kept.withLock { $0.report } }

    /// Says from now on, and at once, how it does; on the thread that has changed it, must not block.
    func observe(_ observer: @escaping @Sendable (TriggerReport) -> Void) {
        let report = kept.withLock { kept in
            kept.observer = observer
            return kept.report
        }
        observer(report)
    }

    private func change(_ body: (inout TriggerReport) -> Void) {
        let (report, observer) = kept.withLock { kept in
            body(&kept.report)
            return (kept.report, kept.observer)
        }
        observer?(report)
    }

    /// Has it watch from now on, unless it does; also once it has rested.
    func begin(submittingTo taker: any SubmissionTaker) {
        work.withLock { work in
            guard work == nil else { return }
            // Before anybody can close it.
            let bells = door.open()
            // Not a child: it lives until `rest`, whichever task has begun it.
            work = Task.detached { [self] in
                // Not cancelled with it: what is under way is answered while it stops.
                let submitting = Task.detached { await self.submitAll(bells, to: taker) }
                await keepOpen()
                door.close()
                await submitting.value
            }
        }
    }

    /// Asks it to stop and waits until its code has ended.
    func rest() async {
        let task = work.withLock { $0 }
        task?.cancel()
        await task?.value
        work.withLock { if $0 == task { $0 = nil } }
        change { $0.state = .stopped }
    }

    /// The same for good.
    func end() async {
        await rest()
        await executor.stop()
        executor.finish()
    }

    // MARK: Keeping it open

    private func keepOpen() async {
        var backoff = TriggerBackoff()
        while !Task.isCancelled {
            let began = services.clock.monotonic
            change { $0.state = .running }
            let result = await runOnce()
            if Task.isCancelled { break }
            let reason = reason(result)
            if isForGood(result) {
                change { $0.state = .failed(reason) }
                services.logger.error(
                    "The trigger \(plan.type) of \(plan.plugin) has failed: \(reason). It is started again when its settings have changed."
                )
                await Suspension.untilCancelled()
                break
            }
            change { $0.state = .resting(reason) }
            let rest = backoff.rest(afterRunning: services.clock.monotonic - began, wish: result.retryAfter)
            services.logger.warning("The trigger \(plan.type) of \(plan.plugin) ended: \(reason). It is started again soon.")
            await pause(rest, unless: result.class == .deferred && executor.pauseReason == nil)
        }
    }

    private func isForGood(_ result: ExecutionResult) -> Bool {
        guard result.class == .permanent || result.class == .rejected else { return false }
        // A file that is being replaced, or comes late after a boot, is there soon.
        return result.errorCode?.hasPrefix("spindle.secret.") != true
    }

    private func reason(_ result: ExecutionResult) -> String {
        if result.class == .deferred { return executor.pauseReason ?? "the plugin gets no work for now" }
        return result.errorMessage ?? result.errorCode ?? "it ended by itself"
    }

    /// One attempt, to its end; a cancelled task asks it to stop.
    private func runOnce() async -> ExecutionResult {
        let cancellation = Cancellation()
        let uuid = UUIDv7.now()
        let request = AttemptRequest(
            key: AttemptKey(ExecutionID(uuid), 1),
            jobID: JobID(uuid),
            executorType: plan.type,
            target: "",
            // It has no time limit, and the engine that would hold it to one does not know of it. The pool counts from it how long code
            // may run on after its result.
            policy: JobPolicy(timeout: Limits.timeout.lowerBound)
        )
        let context = ExecutionContext(request: request, cancellation: cancellation) { [self] event in
            if case .log(_, let line) = event { executor.tell(line, logger: services.logger, now: services.clock.monotonic) }
        }
        let result = await withTaskCancellationHandler {
            await executor.execute(context)
        } onCancel: {
            cancellation.cancel(.shutdown)
        }
        // Its code may run on for a while: two would take the same twice.
        await executor.drained()
        door.forget(request.key)
        return result
    }

    /// - Parameter isReleased: Asked once a release would be heard.
    private func pause(_ time: Int64, unless isReleased: @autoclosure () -> Bool) async {
        let (stream, continuation) = AsyncStream.makeStream(of: Never.self)
        waker.withLock { $0 = continuation }
        defer { waker.withLock { $0 = nil } }
        if isReleased() { return }
        let loop = services.loop
        if !loop.post({ loop.schedule(at: loop.now + time) { continuation.finish() } }) { continuation.finish() }
        await withTaskCancellationHandler {
            for await _ in stream {}
        } onCancel: {
            continuation.finish()
        }
    }

    // MARK: Submitting

    private func submitAll(_ bells: AsyncStream<Void>, to taker: any SubmissionTaker) async {
        await door.giveOut(bells) { batch in
            let answers = await Self.answers(to: batch.map(\.submission), from: taker)
            for (pending, answer) in zip(batch, answers) {
                count(answer)
                pending.answer(answer)
            }
        }
    }

    private static func answers(to batch: [Submission], from taker: any SubmissionTaker) async -> [TriggerAnswer] {
        do {
            return try await taker.submit(batch).map { result in
                switch result {
                case .success(let receipt): TriggerAnswer(receipt)
                case .failure(let error): TriggerAnswer(error)
                }
            }
        } catch {
            let error = error as? SpindleError ?? SpindleError(.internal, "The submission failed: \(error).")
            return batch.map { _ in TriggerAnswer(error) }
        }
    }

    private func count(_ answer: TriggerAnswer) {
        change { report in
            if answer.isTaken {
                report.accepted += 1
            } else {
                if answer.isFinal { report.refused += 1 } else { report.deferred += 1 }
                report.lastRefusal = (answer.error?.message).map { executor.clean($0) }
            }
        }
    }
}
