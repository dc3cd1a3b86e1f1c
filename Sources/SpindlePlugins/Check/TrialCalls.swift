import SpindleCore

/// Calls that no executor is made for: each must come to an end of its own, whatever it is.
struct TrialCalls {
    /// Attempts at once.
    static let atOnce = 8

    let executor: PluginExecutor
    let type: String
    let isConcurrent: Bool
    let promisesCancel: Bool
    /// How long one may take, in microseconds; then it is asked to end.
    let limit: Int64

    /// Makes all calls.
    func checks() async -> [PluginCheck] {
        let result = await run()
        let first = stray(result)
        // After a crash, or code that does not end, the same would be said again.
        guard first.verdict != .failed else { return [first] }
        guard result.class != .timedOut else { return [first, await end()] }
        var checks = [first, await cancelled()]
        if isConcurrent { checks.append(await many()) }
        checks += await counted()
        return checks
    }

    /// A job without a target, with a parameter that nobody knows.
    private func request() -> AttemptRequest {
        AttemptRequest(
            key: AttemptKey(ExecutionID(UUIDv7.now()), 1),
            jobID: JobID(UUIDv7.now()),
            jobName: "spindle plugins check",
            executorType: type,
            target: "",
            parameters: Parameters(["spindle.check": "what no executor knows"]),
            policy: JobPolicy(timeout: limit)
        )
    }

    /// - Parameter time: When it is asked to end, in microseconds; nil is the limit.
    private func run(cancelledAfter time: Int64? = nil) async -> ExecutionResult {
        let cancellation = Cancellation()
        // Deadlines are the engine's, and there is none.
        let timer = Task { [limit] in
            try await Task.sleep(for: .microseconds(time ?? limit))
            cancellation.cancel(time == nil ? .timeout : .user)
        }
        defer { timer.cancel() }
        return await executor.execute(ExecutionContext(request: request(), cancellation: cancellation))
    }

    private func stray(_ result: ExecutionResult) -> PluginCheck {
        let name = "call \(type)"
        if let failed = Self.failed(name, result) { return failed }
        if result.class == .timedOut {
            return PluginCheck(
                name,
                .warning,
                "a job without a target, with a parameter that nobody knows, did not end within \(DurationText.text(limit))",
                advice: "Refuse what is not a job for it, and set timeout_ms_hint if jobs take longer."
            )
        }
        if result.class != .success, (result.errorMessage ?? "").isEmpty {
            return PluginCheck(
                name,
                .warning,
                "it refuses a job and does not say why",
                advice: "Give each error a message for people."
            )
        }
        return PluginCheck(name, .ok, "a job without a target ended: \(Self.text(result))")
    }

    private func cancelled() async -> PluginCheck {
        // Before it was begun the plugin would not hear of it.
        let result = await run(cancelledAfter: 20_000)
        if let failed = Self.failed("cancel \(type)", result) { return failed }
        return await end(of: "an attempt that was asked to end at once ended: \(Self.text(result))")
    }

    /// Whether attempts that were asked to end did so by themselves.
    private func end(of what: String = "the attempt ended by itself when it was asked to") async -> PluginCheck {
        await executor.drained()
        guard let report = await executor.report(), report.ignoredCancels > 0 else {
            return PluginCheck("cancel \(type)", .ok, what)
        }
        return PluginCheck(
            "cancel \(type)",
            promisesCancel ? .failed : .warning,
            "an attempt that was asked to end had to be ended by force",
            advice: "Look at cancel_state, or offer cancel and set CANCELLABLE: force costs the worker."
        )
    }

    private func many() async -> PluginCheck {
        let results = await withTaskGroup(of: ExecutionResult.self) { group in
            for _ in 0..<Self.atOnce { group.addTask { await run() } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let name = "calls at once \(type)"
        for result in results {
            if let failed = Self.failed(name, result) { return failed }
        }
        return PluginCheck(name, .ok, "\(results.count) attempts at once all ended")
    }

    /// What the workers counted that no result shows.
    private func counted() async -> [PluginCheck] {
        guard let report = await executor.reportAfterPing() else { return [] }
        let name = "contract \(type)"
        var findings = Findings(name)
        if report.contractBreaches > 0 {
            findings.fail(
                "it broke the contract of the ABI (breaches: \(report.contractBreaches))",
                "execute, complete and release must be called as executor.h says."
            )
        }
        if report.staleCalls > 0 {
            findings.fail(
                "it called the host for attempts that were over (calls: \(report.staleCalls))",
                "Call complete once, and nothing for the attempt after it."
            )
        }
        return findings.all(else: "nothing was called twice, too late or with a wrong handle")
    }

    /// What no result of a plugin may be; nil if it is none of that.
    private static func failed(_ name: String, _ result: ExecutionResult) -> PluginCheck? {
        switch result.class {
        case .success, .retryable, .permanent, .cancelled, .timedOut: nil
        case .crashed:
            PluginCheck(
                name,
                .failed,
                "it took its worker down: \(text(result))",
                advice: "See \"Debugging a plugin\" in Docs/plugin-abi.md."
            )
        case .interrupted, .deferred, .rejected:
            PluginCheck(name, .failed, text(result), advice: "Docs/plugin-abi.md says what is expected.")
        }
    }

    private static func text(_ result: ExecutionResult) -> String {
        if result.class == .success { return "success" }
        let code = result.errorCode.map { " [\($0)]" } ?? ""
        return "\(result.class), \(result.errorMessage ?? "without a message")\(code)"
    }
}

extension PluginExecutor {
    /// How it does, with what its workers counted until now; nil where there is nobody to ask.
    func reportAfterPing() async -> ExecutorReport? {
        guard let before = await report(), !before.workers.isEmpty else { return nil }
        for _ in 0..<1500 {
            guard let now = await report() else { return nil }
            // One may have been on its way already.
            if now.pongs >= before.pongs + 2 || now.workers.isEmpty { return now }
            try? await Task.sleep(for: .milliseconds(20))
        }
        return await report()
    }
}
