import SpindleCore
import Testing

@testable import SpindlePlugins

/// Holds the reference of sidecar keys in `Docs/plugins.md` against what the parser really takes.
@Suite("Sidecar reference")
struct SidecarReferenceTests {
    private static func refusal(_ yaml: String) -> String {
        do {
            _ = try Sidecar.parse(Array(yaml.utf8), file: "x.yaml")
            return "accepted"
        } catch {
            return error.message
        }
    }

    /// The keys that the parser knows, by its own words.
    private static func keys(_ yaml: String) throws -> [String] {
        let message = refusal(yaml)
        let known = try #require(message.ranges(of: "known here: ").first, "\(message)")
        return message[known.upperBound...].split(separator: ".")[0].split(separator: ", ").map(String.init)
    }

    /// A value that no key of that kind takes.
    private static func yaml(_ key: String) -> String {
        let parts = key.split(separator: ".").map(String.init)
        let takesMapping = ["retry", "recycle", "config", "needs"].contains(parts[parts.count - 1])
        // A list is wrong in one of its entries.
        let value = takesMapping ? "3" : key == "allowChanges" ? "[{a: 1}]" : "{a: 1}"
        guard parts.count == 2 else { return "\(key): \(value)" }
        let isList = ["executors", "triggers"].contains(parts[0])
        return isList ? "\(parts[0]): [{\(parts[1]): \(value)}]" : "\(parts[0]): {\(parts[1]): \(value)}"
    }

    @Test("has every key, and no other")
    func keys() throws {
        let rows = try Page.named("Docs/plugins.md").table(below: "### Every key of a sidecar").map { $0[0].code ?? "" }
        let known =
            try Self.keys("unknown: 1") + Self.keys("retry: {unknown: 1}").map { "retry.\($0)" }
            + Self.keys("recycle: {unknown: 1}").map { "recycle.\($0)" }
            + Self.keys("executors: [{unknown: 1}]").map { "executors.\($0)" }
            + Self.keys("triggers: [{unknown: 1}]").map { "triggers.\($0)" }
            + Self.keys("needs: {unknown: 1}").map { "needs.\($0)" }
        #expect(rows.sorted() == known.sorted())
    }

    @Test("says what each key may be, in the words of the refusal")
    func allowed() throws {
        for row in try Page.named("Docs/plugins.md").table(below: "### Every key of a sidecar") {
            let key = try #require(row[0].code)
            let message = Self.refusal(Self.yaml(key))
            let allowed = try #require(message.ranges(of: "; allowed: ").first, "\(key): \(message)")
            #expect(row[1] == String(message[allowed.upperBound...].dropLast()), "\(key)")
        }
    }

    @Test("says the defaults that the code has")
    func defaults() throws {
        let rows = try Page.named("Docs/plugins.md").table(below: "### Every key of a sidecar")
        func documented(_ key: String) -> String? { rows.first { $0[0].code == key }?[2] }
        let sidecar = Sidecar()
        #expect(documented("enabled") == "`\(sidecar.isEnabled)`")
        #expect(documented("isolation") == "`\(IsolationLevel.worker.rawValue)`")
        #expect(documented("needs.memory") == "`\(SizeText.text(EffectiveGrants.defaultMemory))` at sandbox")
        #expect(documented("needs.pids") == "`\(EffectiveGrants.defaultPids)` at sandbox")
        #expect(documented("needs.output") == "`\(SizeText.text(EffectiveGrants.defaultOutput))` at sandbox")
        #expect(documented("idleTimeout") == WorkerPoolSettings().idleTime.map { "`\(DurationText.text($0))`" })
        for (flags, text) in [(UInt32(0x04), "8"), (0x06, "256"), (0, "1")] {
            var manifest = PluginManifest.Executor(type: "t", flags: flags)
            manifest.writtenType = "t"
            let plan = ExecutorPlan(type: "t", kind: manifest, config: "{}", concurrency: nil, sidecar: sidecar, plugin: "p")
            #expect(plan.attemptsPerWorker == Int(text))
        }
        #expect(documented("concurrencyPerWorker") == "8; 256 if asynchronous")
    }
}

extension PluginManifest.Executor {
    /// An executor that says nothing but its flags.
    fileprivate init(type: String, flags: UInt32) {
        self.init(
            type: type,
            writtenType: type,
            flags: flags,
            functions: 0,
            targetPrefixes: [],
            needs: []
        )
    }
}
