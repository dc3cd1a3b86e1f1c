import SpindleCore
import SpindleWire

/// What a plugin says about itself, held against what the ABI asks for and what people need.
enum DescriptorRules {
    private static let knownFlags: UInt32 = 0x3F

    /// The findings about the plugin as a whole and about each of its executors.
    static func checks(_ manifest: PluginManifest) -> [PluginCheck] {
        var checks = Findings("plugin")
        if manifest.id.wholeMatch(of: /[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+/) == nil {
            checks.warn("the id \"\(manifest.id)\" is not in reverse DNS", "Use a name of yours, such as com.example.greet.")
        }
        if manifest.version.wholeMatch(of: /[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?/) == nil {
            checks.fail(
                "the version \"\(manifest.version)\" is not a semantic version",
                "Write MAJOR.MINOR.PATCH: pins compare versions."
            )
        }
        return checks.all(else: "\(manifest.id) \(manifest.version), built for ABI 1.\(manifest.abiMinor)")
            + manifest.executors.flatMap { executor($0) } + manifest.triggers.flatMap { trigger($0) }
    }

    private static func executor(_ kind: PluginManifest.Executor) -> [PluginCheck] {
        var checks = Findings("descriptor \(kind.type)")
        checkTexts(kind, &checks)
        checkSchemas(kind, &checks)
        checkNeeds(kind, &checks)
        checkFlags(kind, &checks)
        for prefix in kind.targetPrefixes where prefix.isEmpty {
            checks.fail("an empty target prefix would take every job", "Leave it out.")
        }
        return checks.all(else: "texts, schemas, needs and flags are as they should be")
    }

    private static func trigger(_ kind: PluginManifest.Executor) -> [PluginCheck] {
        var checks = Findings("trigger \(kind.type)")
        checkTexts(kind, &checks)
        checkSchema("config", kind.configSchema, &checks)
        checkNeeds(kind, &checks)
        return checks.all(else: "texts, schema and needs are as they should be")
    }

    private static func checkTexts(_ kind: PluginManifest.Executor, _ checks: inout Findings) {
        if (kind.name ?? "").isEmpty { checks.warn("it has no name for people", "Set name.") }
        if (kind.description ?? "").isEmpty { checks.warn("it does not say what it does", "Set description.") }
        if kind.writtenType != kind.type {
            checks.warn(
                "its type \"\(kind.writtenType)\" has capital letters",
                "Write it small: types are read without regard to case."
            )
        }
    }

    private static func checkSchemas(_ kind: PluginManifest.Executor, _ checks: inout Findings) {
        if kind.parametersSchema == nil {
            checks.warn(
                "it has no schema of its parameters",
                "Set parameters_schema: wrong jobs are then refused when they are submitted."
            )
        }
        if kind.configSchema == nil, kind.functions & UInt32(SPW_HAS_CREATE) != 0 {
            checks.warn(
                "it has no schema of its configuration",
                "Set config_schema: a wrong sidecar is then refused with the place in it."
            )
        }
        checkSchema("config", kind.configSchema, &checks)
        checkSchema("parameters", kind.parametersSchema, &checks)
        checkSchema("output", kind.outputSchema, &checks)
    }

    private static func checkSchema(_ name: String, _ text: String?, _ checks: inout Findings) {
        guard let text else { return }
        do throws(SpindleError) {
            _ = try JSONSchema(text)
        } catch {
            checks.fail(
                "\(name)_schema cannot be used: \(PluginRefusal(error).reason)",
                "Correct the schema (JSON Schema 2020-12)."
            )
        }
    }

    private static func checkNeeds(_ kind: PluginManifest.Executor, _ checks: inout Findings) {
        for need in kind.needs where !isNeed(need) {
            checks.fail(
                "its need \"\(need)\" means nothing",
                "Write net:HOST[:PORT], fs:read:PATH, fs:write:PATH, exec, jit or secret:NAME."
            )
        }
    }

    /// Whether a need has one of the forms of the ABI; `*` stands for what the operator alone knows.
    private static func isNeed(_ need: String) -> Bool {
        need == "exec" || need == "jit" || need.wholeMatch(of: /fs:(read|write):(\*|\/.*)/) != nil
            || need.wholeMatch(of: /net:(\*|[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/) != nil
            || need.wholeMatch(of: /secret:[A-Za-z0-9_.*-]+/) != nil
    }

    private static func checkFlags(_ kind: PluginManifest.Executor, _ checks: inout Findings) {
        if kind.flags & ~knownFlags != 0 {
            checks.warn("it has flags that this host does not know", "Leave reserved bits 0.")
        }
        if kind.isAsync, !kind.isCancellable || kind.functions & UInt32(SPW_HAS_CANCEL) == 0 {
            checks.warn(
                "it is asynchronous and cannot be asked to end",
                "Set CANCELLABLE and cancel; else an attempt that shall end costs its worker, with all that runs there."
            )
        }
        if kind.isConcurrent, kind.concurrencyHint == 1 {
            checks.warn("it is CONCURRENT and wishes one attempt at a time", "Leave out one of them.")
        }
    }
}

/// The findings of one look.
struct Findings {
    let name: String
    private(set) var checks: [PluginCheck] = []

    init(_ name: String) { self.name = name }

    mutating func warn(_ message: String, _ advice: String) {
        checks.append(PluginCheck(name, .warning, message, advice: advice))
    }

    mutating func fail(_ message: String, _ advice: String) {
        checks.append(PluginCheck(name, .failed, message, advice: advice))
    }

    /// All of them, or that there are none.
    func all(else message: String) -> [PluginCheck] { checks.isEmpty ? [PluginCheck(name, .ok, message)] : checks }
}
