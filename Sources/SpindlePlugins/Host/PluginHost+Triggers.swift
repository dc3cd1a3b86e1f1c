import SpindleCore
import Synchronization

/// When the triggers of plugins run.
extension PluginHost {
    /// How the triggers of a plugin do.
    ///
    /// - Parameter name: Of its file, with or without `.so`.
    public func triggers(of name: String) -> [TriggerReport] {
        let file = name.hasSuffix(".so") ? name : "\(name).so"
        return state.withLock { $0.generations[file]?.triggers ?? [] }.map(\.report)
    }

    /// Has all triggers rest, within their grace; none begins any more. What they have handed over is answered.
    public func restTriggers() async {
        let triggers = state.withLock { state in
            state.triggersRest = true
            return state.generations.values.flatMap(\.triggers)
        }
        await rest(triggers)
    }

    func beginTriggers(submittingTo taker: (any SubmissionTaker)?) {
        guard let taker else { return }
        state.withLock { state in
            state.taker = taker
            for generation in state.generations.values { begin(generation.triggers, state) }
        }
    }

    /// Those of the version that serves from now on, once the other's rest: two would take the same twice.
    func beginTriggers(of generation: PluginGeneration, insteadOf other: PluginGeneration?) async {
        await restTriggers(of: other)
        state.withLock { begin(generation.triggers, $0) }
    }

    /// Under the lock, so that whoever has them all rest finds those that have begun.
    private func begin(_ triggers: [PluginTrigger], _ state: borrowing State) {
        guard let taker = state.taker, !state.triggersRest, !state.isStopping else { return }
        for trigger in triggers { trigger.begin(submittingTo: taker) }
    }

    /// Those of a version that serves no longer.
    func restTriggers(of generation: PluginGeneration?) async { await rest(generation?.triggers ?? []) }

    private func rest(_ triggers: [PluginTrigger]) async {
        await withTaskGroup { group in
            for trigger in triggers { group.addTask { await trigger.rest() } }
        }
    }
}
