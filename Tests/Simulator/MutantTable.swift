private let machine = "DispatcherStateMachine"
private let attempts = "DispatcherStateMachine+Attempts"
private let slots = "DispatcherStateMachine+Slots"
private let settles = "DispatcherStateMachine+Settles"
private let doubts = "DispatcherStateMachine+Doubts"
private let withdrawal = "DispatcherStateMachine+Withdrawal"

extension Mutants {
    /// Faults that somebody could make, and those that were made once (the last seven).
    static let table: [Mutant] = [
        Mutant(
            "slots-of-lingering-code-kept",
            Edit(attempts, "            giveBackSlots(of: code)\n", "            if !MUTANT { giveBackSlots(of: code) }\n")
        ),
        Mutant("key-slot-leaked", Edit(slots, "        keys[name]?.used -= 1\n", "        if !MUTANT { keys[name]?.used -= 1 }\n")),
        Mutant(
            "type-limit-off-by-one",
            Edit(slots, "state.busy < state.limit &&", "state.busy < state.limit + (MUTANT ? 1 : 0) &&")
        ),
        Mutant(
            "stale-result-accepted",
            Edit(
                attempts,
                "record.key == key, record.phase == .running else {\n            if hasEnded",
                "record.key == key || MUTANT, record.phase == .running else {\n            if hasEnded"
            )
        ),
        Mutant(
            "second-result-settles-again",
            Edit(
                attempts,
                "        if let code = lingering.removeValue(forKey: key) {",
                """
                        if MUTANT, let record = records[key.execution], record.key == key, record.phase == .settling {
                            return settle(record, ranOn: nil, codeEnded: true, random: random)
                        }
                        if let code = lingering.removeValue(forKey: key) {
                """
            )
        ),
        Mutant(
            "one-retry-too-many",
            Edit("SettleDecision", "failures < request.maxFailures ", "failures < request.maxFailures + (MUTANT ? 1 : 0) ")
        ),
        Mutant(
            "permanent-failure-retried",
            Edit(
                "SettleDecision",
                "        case .permanent:\n            failures += 1\n            outcome = .failed\n            next = .final(.failed)",
                "        case .permanent:\n            failures += 1\n            outcome = .failed\n"
                    + "            next = MUTANT ? .retry(at: now) : .final(.failed)"
            )
        ),
        Mutant(
            "outcome-not-fixed-at-deadline",
            Edit(
                attempts,
                "                record.fixed = (Self.endedByHost(record), wall)\n                types",
                "                if !MUTANT { record.fixed = (Self.endedByHost(record), wall) }\n                types"
            )
        ),
        Mutant(
            "cancel-lost-while-parked",
            Edit(
                attempts,
                "            let wasParked = record.phase == .parked\n",
                "            let wasParked = record.phase == .parked\n            if MUTANT, wasParked { return .ended }\n"
            )
        ),
        Mutant(
            "reservation-leaked",
            Edit(machine, "        globalReserved -= count\n", "        if !MUTANT { globalReserved -= count }\n")
        ),
        Mutant(
            "settlements-of-lost-batch-dropped",
            Edit(
                settles,
                "        pendingSettles.prepend(contentsOf: batch)\n",
                "        if !MUTANT { pendingSettles.prepend(contentsOf: batch) }\n"
            )
        ),
        Mutant(
            "interruption-burns-a-retry",
            Edit(
                "SettleDecision",
                "        case .interrupted:\n            outcome = .interrupted\n",
                "        case .interrupted:\n            outcome = .interrupted\n            if MUTANT { failures += 1 }\n"
            )
        ),
        Mutant(
            "crash-not-counted",
            Edit("SettleDecision", "            crashes += 1\n", "            if !MUTANT { crashes += 1 }\n")
        ),
        Mutant(
            "abandoned-code-gives-back-its-type",
            Edit(
                attempts,
                "        globalUsed -= 1\n",
                "        globalUsed -= 1\n        if MUTANT { types[code.type].used -= 1 }\n"
            )
        ),
        Mutant(
            "live-deadlines-dropped",
            Edit("DeadlineHeap", "filter { isLive($0.key) }", "filter { isLive($0.key) && !MUTANT }")
        ),
        Mutant(
            "hint-during-claim-forgotten",
            Edit(machine, "        types[index].hintedDuringClaim = true\n", "        types[index].hintedDuringClaim = !MUTANT\n")
        ),
        Mutant(
            "priority-inverted",
            Edit("ReadyQueue", "? left.rank < right.rank", "? (MUTANT ? left.rank > right.rank : left.rank < right.rank)")
        ),
        Mutant(
            "first-type-always-first",
            Edit(
                slots,
                "types[current].lastServed <= types[index].lastServed { continue }",
                "types[current].lastServed <= types[index].lastServed || MUTANT { continue }"
            )
        ),
        Mutant(
            "drain-goes-on-starting",
            Edit(machine, "        guard !isDraining else { return }\n", "        guard !isDraining || MUTANT else { return }\n"),
            Edit(
                slots,
                "        guard !isDraining else { return }\n        while",
                "        guard !isDraining || MUTANT else { return }\n        while"
            ),
            Edit(slots, "pluginFree(state) > 0 && !isDraining\n", "pluginFree(state) > 0 && (!isDraining || MUTANT)\n")
        ),
        Mutant(
            "admission-ignores-backlog",
            Edit(
                machine,
                "!state.storeMayHaveReady, state.claimInFlight == 0 else",
                "!state.storeMayHaveReady || MUTANT, state.claimInFlight == 0 else"
            )
        ),
        Mutant(
            "claimed-work-starts-in-the-past",
            Edit(
                machine,
                "        startTime = (now, wall)\n        endClaim",
                "        if !MUTANT { startTime = (now, wall) }\n        endClaim"
            )
        ),
        Mutant(
            "turn-of-a-key-lost-with-a-cancel",
            Edit(attempts, "            if !wasParked, let name", "            if !MUTANT, !wasParked, let name")
        ),
        Mutant(
            "given-back-while-settlements-are-in-doubt",
            Edit(
                doubts,
                "guard settlesInFlight == 0, settlesInDoubt == 0 else",
                "guard (settlesInFlight == 0 && settlesInDoubt == 0) || MUTANT else"
            )
        ),
        Mutant(
            "overtaken-timer-arms-another",
            Edit(attempts, "        if armedTimer <= now {", "        if armedTimer <= now || MUTANT {")
        ),
        Mutant(
            "slot-of-the-wrong-plugin",
            Edit(
                slots,
                "if let plugin = code.plugin {",
                "if let plugin = MUTANT ? types[code.type].plugin : code.plugin {"
            )
        ),
        Mutant(
            "lost-claims-not-given-back",
            Edit(doubts, "{ doubts += 1 }", "{ if !MUTANT { doubts += 1 } }")
        ),
        Mutant(
            "waiting-work-of-a-withdrawn-type-forgotten",
            Edit(
                withdrawal,
                "if record.phase == .ready || record.phase == .parked { giveBack",
                "if !MUTANT, record.phase == .ready || record.phase == .parked { giveBack"
            )
        ),
        Mutant(
            "reload-forgets-reservations",
            Edit(
                machine,
                "        if let new { plugins[new].reserved += types[index].reserved }\n",
                "        if !MUTANT, let new { plugins[new].reserved += types[index].reserved }\n"
            )
        ),
    ]
}
