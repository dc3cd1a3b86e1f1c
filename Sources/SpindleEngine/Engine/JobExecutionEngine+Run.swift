import Logging
public import ServiceLifecycle
import SpindleCore

extension JobExecutionEngine: Service {
    /// Runs executions until graceful shutdown or cancellation, then drains: nothing new starts, what runs may end within
    /// ``EngineConfiguration/drainTimeout``, is then asked to end, and is given back to the store.
    ///
    /// - Throws: What made an executor end before its time.
    public func run() async throws {
        // The drain must not be cut short by the cancellation that starts it: it runs in a task of its own.
        let work = Task { try await self.serve() }
        try await withTaskCancellationOrGracefulShutdownHandler {
            try await work.value
        } onCancelOrGracefulShutdown: {
            self.shutdown.open()
        }
    }

    private func serve() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            let loops = EngineLoops(self)
            group.addTask { await loops.settle() }
            group.addTask { await loops.claim() }
            group.addTask { await loops.promote() }
            group.addTask { await loops.renewLease() }
            group.addTask { await loops.prune() }
            group.addTask { await loops.writeLogs() }
            group.addTask { await self.intake.takeArtefacts(for: self) }
            group.addTask {
                try await withThrowingDiscardingTaskGroup { executors in
                    for await executor in self.newExecutors {
                        executors.addTask { try await executor.run() }
                    }
                    executors.cancelAll()
                }
            }
            group.addTask { await self.drainAfterShutdown() }
            // Ends with the drain, or with an executor's error.
            var failure: (any Error)?
            do {
                try await group.next()
            } catch {
                failure = error
                shutdown.open()
                await drain()
            }
            newExecutorsContinuation.finish()
            promotion.wakeUp.finish()
            group.cancelAll()
            while let result = await group.nextResult() {
                if case .failure(let error) = result, failure == nil, !(error is CancellationError) { failure = error }
            }
            await loops.close()
            waiters.close(
                SpindleError(.interrupted, "The host stopped while the execution was under way; it goes on when a host starts.")
            )
            if let failure { throw failure }
        }
    }

    private func drainAfterShutdown() async {
        await shutdown.wait()
        await drain()
    }

    private func drain() async {
        logger.info("draining: no new attempts start")
        dispatcher.update { machine, _, _ in machine.drain() }
        let grace = configuration.cancelGrace
        let asking = clock.monotonic.saturatingAdd(configuration.drainTimeout)
        // Weak: a clock that keeps the alarm must not keep the host.
        clock.schedule(at: asking) { [weak dispatcher, random] in
            let word = random.next()
            dispatcher?.update { machine, now, wall in
                machine.cancelAll(reason: .shutdown, now: now, wall: wall, random: word)
            }
        }
        // Asked, then SIGTERM, then SIGKILL: each gets one grace, and the last commit a second.
        clock.schedule(at: asking.saturatingAdd(3 * grace + 1_000_000)) { [weak dispatcher] in
            dispatcher?.stopWaitingForIdle()
        }
        await dispatcher.waitUntilIdle()
    }
}
