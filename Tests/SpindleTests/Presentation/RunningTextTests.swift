import SpindleCore
import SpindleServer
import Testing

@testable import Spindle

@Suite("How a plugin does, for people")
struct RunningTextTests {
    @Test func triggersTellWhatBecameOfTheirJobs() {
        let plugin = PluginDetails(
            summary: PluginSummary(name: "queue", file: "queue.so", state: "serving"),
            details: [
                "triggers": [
                    [
                        "name": "orders", "uses": "queue", "state": "resting", "reason": "the broker is away", "accepted": 12,
                        "refused": 1, "deferred": 3, "lastRefusal": "no such type",
                    ]
                ]
            ]
        )
        #expect(
            DefinitionText.lines(plugin) == [
                "file   queue.so",
                "state  serving",
                "",
                "trigger orders",
                "  state           resting: the broker is away",
                "  uses            queue",
                "  accepted        12",
                "  refused         1",
                "  given back      3",
                "  last not taken  no such type",
            ]
        )
    }
}
